// SPDX-License-Identifier: Apache-2.0
/* What is refused by a look at the status, in texts and on living processes. */
#include "core/kinds/refuse.h"

#include "core/base/guard.h"
#include "core/task/proc.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

static void assert_refused(const char *status, const char *why)
{
	struct sn_err err = {0};

	assert_int_equal(kinds_refuse_status(status, &err), *why ? -1 : 0);
	assert_string_equal(err.text, why);
}

static void test_refused_by_status(void **state)
{
	(void)state;
	assert_refused("State:\tS (sleeping)\nVmSize:\t 1 kB\nSeccomp:\t0\n", "");
	assert_refused("State:\tS (sleeping)\nSeccomp:\t0\n", "a kernel thread");
	assert_refused("State:\tZ (zombie)\nThreads:\t1\n", "the process has ended");
	assert_refused("State:\tZ (zombie)\nThreads:\t3\n",
		       "its main thread has ended (zombie leader)");
	assert_refused("State:\tS\nVmSize:\t1 kB\nSeccomp:\t2\n", "seccomp filter");
	assert_refused("State:\tS\nVmSize:\t1 kB\nSeccomp:\t1\n", "seccomp strict mode");
	assert_refused("State:\tS\nVmSize:\t1 kB\nx86_Thread_features:\tshstk \n", "shadow stack");
	assert_refused("State:\tS\nVmSize:\t1 kB\nx86_Thread_features:\t\nA:\t1\n", "");
	assert_refused("State:\tS\nNSpid:\t71\t4\nVmSize:\t1 kB\n",
		       "a pid namespace of its own (a container)");
	assert_refused("State:\tS\nNSpid:\t71\nVmSize:\t1 kB\n", "");
}

/* A child that has called `prepare` and sleeps. */
static pid_t start(void (*prepare)(void))
{
	int up[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(up), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prepare();
		if (write(up[1], "x", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(up[1]);
	assert_int_equal(read(up[0], &byte, 1), 1);
	close(up[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void assert_refused_pid(pid_t pid, const char *why)
{
	struct sn_err err = {0};
	sn_auto_free char *status = proc_read(pid, "status", NULL, &err);

	assert_non_null(status);
	assert_refused(status, why);
}

static void nothing(void)
{
}

static void filter_calls(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog filter = {.len = 1, .filter = &allow};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
		_exit(1);
}

static void *outlive(void *arg)
{
	(void)arg;
	pause();
	return NULL;
}

static void leave_a_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, outlive, NULL);
}

static void test_refused_living(void **state)
{
	struct sn_err err = {0};
	pid_t pid;

	(void)state;
	pid = start(nothing);
	assert_refused_pid(pid, "");
	assert_int_equal(kinds_refuse_program(pid, &err), 0);
	end(pid);
	pid = start(filter_calls);
	assert_refused_pid(pid, "seccomp filter");
	end(pid);
}

static void test_refused_zombies(void **state)
{
	siginfo_t info;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_refused_pid(pid, "the process has ended");
	waitpid(pid, NULL, 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		leave_a_thread();
		syscall(SYS_exit, 0); /* of this thread alone */
	}
	for (;;) {
		struct sn_err err;
		sn_auto_free char *status = proc_read(pid, "status", NULL, &err);

		assert_non_null(status);
		if (strstr(status, "State:\tZ"))
			break;
		usleep(1000);
	}
	assert_refused_pid(pid, "its main thread has ended (zombie leader)");
	end(pid);
}

/* A 32-bit program as small as can be: it sleeps by pause(2). */
static void test_refused_32_bit(void **state)
{
	enum { BASE = 0x10000, CODE = sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr), ALL = CODE + 9 };
	static const uint8_t code[] = {0xb8, 29, 0, 0, 0, 0xcd, 0x80, 0xeb, 0xf7};
	Elf32_Ehdr file = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC, .e_machine = EM_386, .e_version = EV_CURRENT,
		.e_entry = BASE + CODE, .e_phoff = sizeof(Elf32_Ehdr),
		.e_ehsize = sizeof(Elf32_Ehdr), .e_phentsize = sizeof(Elf32_Phdr), .e_phnum = 1,
	};
	Elf32_Phdr segment = {
		.p_type = PT_LOAD, .p_vaddr = BASE, .p_filesz = ALL,
		.p_memsz = ALL, .p_flags = PF_R | PF_X, .p_align = 0x1000,
	};
	char path[] = "/tmp/snapsh-refuse-XXXXXX", byte;
	struct sn_err err = {0};
	int fd = mkstemp(path), up[2], status;
	pid_t pid;

	(void)state;
	assert_true(fd >= 0 && fchmod(fd, 0700) == 0 && pipe2(up, O_CLOEXEC) == 0);
	assert_true(write(fd, &file, sizeof(file)) == sizeof(file) &&
		    write(fd, &segment, sizeof(segment)) == sizeof(segment) &&
		    write(fd, code, sizeof(code)) == sizeof(code));
	close(fd);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(path, path, NULL);
		_exit(1);
	}
	close(up[1]);
	assert_int_equal(read(up[0], &byte, 1), 0); /* the exec closed it, or the child's end */
	close(up[0]);
	unlink(path);
	usleep(1000);
	if (waitpid(pid, &status, WNOHANG) == pid)
		skip(); /* a kernel that runs no 32-bit programs */
	assert_int_equal(kinds_refuse_program(pid, &err), -1);
	assert_string_equal(err.text, "a 32-bit program");
	end(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_by_status),
		cmocka_unit_test(test_refused_living),
		cmocka_unit_test(test_refused_zombies),
		cmocka_unit_test(test_refused_32_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
