// SPDX-License-Identifier: Apache-2.0
// snaps: 300
// dry: harm
/* epoll_wait, epoll_pwait and epoll_pwait2, which return a real EINTR when a tracer
 * stops them: with a timeout, and for ever until a byte comes. */
#include "blocker.h"
#include <sys/epoll.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

enum { TIMEOUT_MS = 50 };

/* `fd` is the epoll, `word` the pipe's reading end. */
static int done(struct blocker *b, int ready, bool for_ever)
{
	char byte;

	if (ready < 0)
		return -1;
	if (ready != for_ever) {
		errno = for_ever ? ETIME : EEXIST;
		return -1;
	}
	return for_ever && read((int)b->word, &byte, 1) != 1 ? -1 : 0;
}

static int timed_wait(struct blocker *b)
{
	struct epoll_event event;

	return done(b, epoll_wait(b->fd, &event, 1, TIMEOUT_MS), false);
}

static int endless_wait(struct blocker *b)
{
	struct epoll_event event;

	return done(b, epoll_wait(b->fd, &event, 1, -1), true);
}

static int timed_pwait(struct blocker *b)
{
	struct epoll_event event;
	sigset_t set;

	pthread_sigmask(SIG_SETMASK, NULL, &set);
	return done(b, epoll_pwait(b->fd, &event, 1, TIMEOUT_MS, &set), false);
}

static int endless_pwait(struct blocker *b)
{
	struct epoll_event event;
	sigset_t set;

	pthread_sigmask(SIG_SETMASK, NULL, &set);
	return done(b, epoll_pwait(b->fd, &event, 1, -1, &set), true);
}

static int timed_pwait2(struct blocker *b)
{
	struct epoll_event event;
	struct timespec t = { 0, TIMEOUT_MS * 1000000 };

	return done(b, (int)syscall(SYS_epoll_pwait2, b->fd, &event, 1, &t, NULL, 8), false);
}

static void kick(struct blocker *b)
{
	(void)!write(b->peer, "k", 1);
}

static void verify(struct victim *v, void *state)
{
	blockers_verify(v, state, 5);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct blocker b[5] = {
		{ .name = "epoll_wait", .call = timed_wait },
		{ .name = "epoll_wait for ever", .call = endless_wait, .kick = kick },
		{ .name = "epoll_pwait", .call = timed_pwait },
		{ .name = "epoll_pwait for ever", .call = endless_pwait, .kick = kick },
		{ .name = "epoll_pwait2", .call = timed_pwait2 },
	};

	victim_start(&v, argc, argv);
	for (int i = 0; i < 5; i++) {
		struct epoll_event event = { .events = EPOLLIN };
		int ends[2];

		NEED(&v, pipe(ends) == 0 && (b[i].fd = epoll_create1(0)) >= 0);
		NEED(&v, epoll_ctl(b[i].fd, EPOLL_CTL_ADD, ends[0], &event) == 0);
		b[i].word = (uint32_t)ends[0];
		b[i].peer = ends[1];
	}
	blockers_start(&v, b, 5);
	victim_serve(&v, NULL, verify, b);
}
