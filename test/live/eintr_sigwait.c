// SPDX-License-Identifier: Apache-2.0
// snaps: 300
// dry: harm
/* rt_sigtimedwait, with a timeout and without, and signalfd: threads that wait for
 * signals must get theirs, no other, and no EINTR. */
#include "blocker.h"
#include <sys/signalfd.h>

static int timed(struct blocker *b)
{
	struct timespec t = { 0, 50000000 };
	uint64_t set = 1ull << (SIGRTMIN + 5 - 1);

	(void)b;
	/* glibc's sigtimedwait would hide an EINTR. */
	if (syscall(SYS_rt_sigtimedwait, &set, NULL, &t, 8) >= 0)
		errno = EEXIST;
	return errno == EAGAIN ? 0 : -1;
}

static int endless(struct blocker *b)
{
	uint64_t set = 1ull << (SIGRTMIN + 6 - 1);

	(void)b;
	return syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 8) == SIGRTMIN + 6 ? 0 : -1;
}

static void send_signal(struct blocker *b)
{
	pthread_kill(b->thread, SIGRTMIN + (int)b->word);
}

static int by_descriptor(struct blocker *b)
{
	struct signalfd_siginfo info;

	return read(b->fd, &info, sizeof(info)) == sizeof(info) &&
	       info.ssi_signo == (unsigned)SIGRTMIN + 7 ? 0 : -1;
}

static void verify(struct victim *v, void *state)
{
	blockers_verify(v, state, 3);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct blocker b[3] = {
		{ .name = "rt_sigtimedwait", .call = timed },
		{ .name = "rt_sigtimedwait for ever", .call = endless, .kick = send_signal },
		{ .name = "read of a signalfd", .call = by_descriptor, .kick = send_signal },
	};
	sigset_t set;

	victim_start(&v, argc, argv);
	sigemptyset(&set);
	for (int i = 5; i <= 7; i++)
		sigaddset(&set, SIGRTMIN + i);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 7);
	b[1].word = 6;
	b[2].word = 7;
	b[2].fd = signalfd(-1, &set, 0);
	NEED(&v, b[2].fd >= 0);
	blockers_start(&v, b, 3);
	victim_serve(&v, NULL, verify, b);
}
