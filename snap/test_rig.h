/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session on a child of its own, in a catalog of its own. The child holds a number and a
 * stretch of memory; SIGUSR1 adds one to the number and writes some of the memory.
 */
#ifndef SNAP_TEST_RIG_H
#define SNAP_TEST_RIG_H

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/task/proc.h"
#include "snap/snap.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { STATE_PAGES = 256 };
static const uint64_t STATE = 0x300000000; /* an int, and the rest of its pages */

struct rig {
	char dir[64];
	struct catalog *cat;
	struct session *session;
	pid_t pid;
	struct sn_err err;
};

#define OK(rig, call)                                               \
	do {                                                        \
		if ((call) < 0)                                     \
			fail_msg("%s: %s", #call, (rig)->err.text); \
	} while (0)

/* That it fails, and says so. */
#define FAILS(rig, call, why)                              \
	do {                                               \
		assert_int_equal(call, -1);                \
		assert_string_equal((rig)->err.text, why); \
	} while (0)

/* Nothing of the test stays open in it: what leads outside cannot be restored. */
static inline void child_main(void)
{
	volatile int *value;
	sigset_t usr1;
	int sig;

	syscall(SYS_close_range, 0, ~0U, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	value = mmap((void *)STATE, STATE_PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE,
		     MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	memset((void *)value, 0, STATE_PAGES * PAGE_BYTES);
	for (*value = 1; sigwait(&usr1, &sig) == 0;) {
		size_t i, ints = PAGE_BYTES / sizeof(*value);

		for (i = 1; i < STATE_PAGES; i += 16)
			value[i * ints] = *value;
		(*value)++;
	}
	_exit(1);
}

/* The number, or -1 when there is no process. */
static int value_of(const struct rig *rig)
{
	int value = -1;
	struct iovec local = {&value, sizeof(value)}, remote = {(void *)STATE, sizeof(value)};

	return process_vm_readv(rig->pid, &local, 1, &remote, 1, 0) == sizeof(value) ? value : -1;
}

static void wait_value(const struct rig *rig, int value)
{
	int round;

	for (round = 0; value_of(rig) != value; round++) {
		if (round == 5000)
			fail_msg("the number is %d, not %d", value_of(rig), value);
		usleep(1000);
	}
}

static void change(const struct rig *rig)
{
	int value = value_of(rig);

	kill(rig->pid, SIGUSR1);
	wait_value(rig, value + 1);
}

static void spawn(struct rig *rig, void (*child)(void))
{
	sigset_t usr1;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	rig->pid = fork();
	if (rig->pid == 0) {
		setsid();
		child();
	}
	wait_value(rig, 1);
}

static inline void end(struct rig *rig)
{
	if (rig->pid > 0) {
		kill(rig->pid, SIGKILL);
		waitpid(rig->pid, NULL, 0);
	}
	rig->pid = 0;
}

static void open_session(struct rig *rig, const struct catalog_app *app)
{
	OK(rig, session_open(&rig->session, rig->cat, app, &rig->err));
}

/* child: does not return, and tells by the number that it is ready (1) and has changed. */
static int setup_with(void **state, void (*child)(void))
{
	struct rig *rig = sn_calloc(1, sizeof(*rig));
	struct catalog_app app = {.name = "child", .exit_status = -1};

	*state = rig;
	spawn(rig, child);
	snprintf(rig->dir, sizeof(rig->dir), "/tmp/snapsh-snap-XXXXXX");
	if (!mkdtemp(rig->dir) || catalog_open(&rig->cat, rig->dir, &rig->err) < 0 ||
	    catalog_app_add(rig->cat, &app, &rig->err) < 0)
		return -1;
	open_session(rig, &app);
	OK(rig, session_adopt(rig->session, rig->pid, &rig->err));
	return 0;
}

static inline int setup(void **state)
{
	return setup_with(state, child_main);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	session_close(rig->session);
	catalog_close(rig->cat);
	end(rig);
	nftw(rig->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(rig);
	return 0;
}

static struct catalog_snapshot take(struct rig *rig, const struct take_options *options)
{
	static const struct take_options plain = {0};
	struct catalog_snapshot taken;

	OK(rig, snap_take(rig->session, options ? options : &plain, &taken, &rig->err));
	return taken;
}

static inline size_t count_snapshots(struct rig *rig)
{
	sn_auto_free struct catalog_snapshot *snaps = NULL;
	size_t count;

	OK(rig, catalog_snapshot_list(rig->cat, session_app(rig->session)->id, &snaps, &count,
				      &rig->err));
	return count;
}

/* 'S' asleep, 'T' stopped: proc_pid_stat(5). */
static void wait_state(struct rig *rig, char state)
{
	struct proc_stat stat;
	int round;

	for (round = 0;; round++) {
		OK(rig, proc_stat(rig->pid, &stat, &rig->err));
		if (stat.state == state)
			return;
		if (round == 2000)
			fail_msg("it is %c, not %c", stat.state, state);
		usleep(1000);
	}
}

static inline void skip_unless(bool can, const char *why)
{
	if (!can) {
		print_message("%s\n", why);
		skip();
	}
}

/* A sanitizer's map of the child leaves the engine no room, and the child no address. */
#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static inline void test_not_under_a_sanitizer(void **state)
{
	(void)state;
	print_message("the child would have a sanitizer's memory map\n");
	skip();
}

/* Not traced, not stopped, and it answers. */
static inline void assert_well(struct rig *rig)
{
	sn_auto_free char *status = proc_read(rig->pid, "status", NULL, &rig->err);
	uint64_t tracer = 1;

	assert_true(status && proc_field(status, "TracerPid", 10, &tracer));
	assert_int_equal(tracer, 0);
	wait_state(rig, 'S');
	change(rig);
}

#endif
