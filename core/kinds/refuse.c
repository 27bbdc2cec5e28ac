// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/refuse.h"

#include "core/base/guard.h"
#include "core/kinds/status.h"
#include "core/task/proc.h"

#include <elf.h>
#include <fcntl.h>

static bool is_set(const char *status, const char *name)
{
	uint64_t value = 0;

	return proc_field(status, name, 10, &value) && value != 0;
}

static int refuse_state(const char *status, struct sn_err *err)
{
	const char *state = status_line(status, "State");
	uint64_t threads = 1;

	proc_field(status, "Threads", 10, &threads);
	if (state && (*state == 'Z' || *state == 'X'))
		return threads > 1 ? sn_fail(err, "its main thread has ended (zombie leader)")
				   : sn_fail(err, "the process has ended");
	if (is_set(status, "CoreDumping"))
		return sn_fail(err, "the process is dying (it dumps core)");
	if (is_set(status, "Kthread") || !status_line(status, "VmSize"))
		return sn_fail(err, "a kernel thread");
	return 0;
}

/* A second number says that the process counts its pids in a namespace of its own. */
static bool in_pid_namespace(const char *status)
{
	const char *at = status_line(status, "NSpid");
	uint32_t pid;

	return at && status_number(&at, &pid) && status_number(&at, &pid);
}

int kinds_refuse_status(const char *status, struct sn_err *err)
{
	const char *features = status_line(status, "x86_Thread_features");
	uint64_t seccomp = 0;

	if (refuse_state(status, err) < 0)
		return -1;
	proc_field(status, "Seccomp", 10, &seccomp);
	if (seccomp != 0)
		return sn_fail(err, seccomp == 1 ? "seccomp strict mode" : "seccomp filter");
	if (features && strncmp(features, "shstk", 5) == 0)
		return sn_fail(err, "shadow stack");
	if (in_pid_namespace(status))
		return sn_fail(err, "a pid namespace of its own (a container)");
	return 0;
}

int kinds_refuse_program(pid_t pid, struct sn_err *err)
{
	Elf64_Ehdr header;
	sn_auto_fd int fd = proc_open(pid, "exe", O_RDONLY, err);

	if (fd < 0)
		return -1;
	if (pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return sn_fail(err, "the program file of process %d is no ELF file", pid);
	if (header.e_machine == EM_386)
		return sn_fail(err, "a 32-bit program");
	if (header.e_ident[EI_CLASS] != ELFCLASS64)
		return sn_fail(err, "an x32 program");
	return 0;
}
