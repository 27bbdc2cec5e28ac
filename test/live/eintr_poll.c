// SPDX-License-Identifier: Apache-2.0
// snaps: 300
// dry: harm
/* poll, ppoll, select and pselect: with a timeout, and for ever until a byte comes. */
#include "blocker.h"
#include <poll.h>
#include <sys/select.h>

enum { TIMEOUT_MS = 50 };

/* A wait that ended by its timeout, or with the byte that was sent. */
static int done(struct blocker *b, int ready, bool for_ever)
{
	char byte;

	if (ready < 0)
		return -1;
	if (ready != for_ever) {
		errno = for_ever ? ETIME : EEXIST;
		return -1;
	}
	return for_ever && read(b->fd, &byte, 1) != 1 ? -1 : 0;
}

static int timed_poll(struct blocker *b)
{
	struct pollfd p = { b->fd, POLLIN, 0 };

	return done(b, poll(&p, 1, TIMEOUT_MS), false);
}

static int endless_poll(struct blocker *b)
{
	struct pollfd p = { b->fd, POLLIN, 0 };

	return done(b, poll(&p, 1, -1), true);
}

static int timed_ppoll(struct blocker *b)
{
	struct pollfd p = { b->fd, POLLIN, 0 };
	struct timespec t = { 0, TIMEOUT_MS * 1000000 };

	return done(b, ppoll(&p, 1, &t, NULL), false);
}

static int timed_select(struct blocker *b)
{
	struct timeval t = { 0, TIMEOUT_MS * 1000 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(b->fd, &set);
	return done(b, select(b->fd + 1, &set, NULL, NULL, &t), false);
}

static int endless_pselect(struct blocker *b)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(b->fd, &set);
	return done(b, pselect(b->fd + 1, &set, NULL, NULL, NULL, NULL), true);
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
		{ .name = "poll", .call = timed_poll },
		{ .name = "poll for ever", .call = endless_poll, .kick = kick },
		{ .name = "ppoll", .call = timed_ppoll },
		{ .name = "select", .call = timed_select },
		{ .name = "pselect for ever", .call = endless_pselect, .kick = kick },
	};

	victim_start(&v, argc, argv);
	for (int i = 0; i < 5; i++) {
		int ends[2];

		NEED(&v, pipe(ends) == 0);
		b[i].fd = ends[0];
		b[i].peer = ends[1];
	}
	blockers_start(&v, b, 5);
	victim_serve(&v, NULL, verify, b);
}
