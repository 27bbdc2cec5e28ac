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

int blank_make(pid_t pid, struct sn_err *err)
{
	static const struct timespec wait = {.tv_nsec = TRY_NS};
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uint64_t)&pid,
		.set_tid_size = 1,
	};
	char who[64];
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
		return sn_fail_code(err, EPERM, "make process %d with its pid: it takes "
				    "CAP_CHECKPOINT_RESTORE", pid);
	if (errno == EEXIST || errno == 0)
		return sn_fail(err, "pid %d is taken by %s: end it first", pid,
			       proc_who(pid, who, sizeof(who)));
	return sn_fail_sys(err, "make process %d", pid);
}
