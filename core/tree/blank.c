// SPDX-License-Identifier: Apache-2.0
#include "core/tree/tree.h"

#include "core/task/proc.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 200, TRY_NS = 5000000 }; /* a pid is free when its last zombie is reaped */

/* The child: nothing of ours runs in it but a wait. It dies with the one who fills it. */
static void wait_to_be_filled(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	syscall(SYS_close_range, 0, ~0U, 0);
	for (;;)
		pause();
}

static int fail_unable(pid_t pid, struct sn_err *err)
{
	sn_fail(err,
		"make process %d with its pid: it takes CAP_CHECKPOINT_RESTORE: root has it, or "
		"the program after `setcap cap_checkpoint_restore+ep`",
		pid);
	err->code = EPERM;
	return -1;
}

/* One that has ended keeps its pid until its parent waits for it. */
static int fail_taken(pid_t pid, struct sn_err *err)
{
	struct proc_stat stat;
	struct sn_err gone;
	char who[64];

	if (proc_stat(pid, &stat, &gone) == 0 && stat.state == 'Z')
		return sn_fail(err, "pid %d is taken: it has ended, but its parent, %s, has not "
			       "waited for it yet", pid, proc_who(stat.ppid, who, sizeof(who)));
	return sn_fail(err, "pid %d is taken by %s: end it first", pid,
		       proc_who(pid, who, sizeof(who)));
}

int blank_make(pid_t pid, struct sn_err *err)
{
	static const struct timespec wait = {.tv_nsec = TRY_NS};
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uint64_t)&pid,
		.set_tid_size = 1,
	};
	long made = -1;
	int try;

	for (try = 0; try < TRIES && made < 0; try++) {
		made = syscall(SYS_clone3, &args, sizeof(args));
		if (made == 0)
			wait_to_be_filled();
		if (made < 0 && errno != EEXIST)
			break;
		if (made < 0 && try > 0 && kill(pid, 0) == 0 && try > TRIES / 10)
			break;
		if (made < 0)
			nanosleep(&wait, NULL);
	}
	if (made >= 0)
		return 0;
	if (errno == EPERM)
		return fail_unable(pid, err);
	if (errno == EEXIST || errno == 0)
		return fail_taken(pid, err);
	return sn_fail_sys(err, "make process %d", pid);
}
