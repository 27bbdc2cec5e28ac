/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For victims that block: threads each of which makes one system call again and again
 * and must never see it fail, above all not with EINTR. The first failure is a fault,
 * kept outside of what can be reverted.
 *
 * A dry run's "harm" sends each thread a signal whose handler does not restart system
 * calls: that is what an EINTR looks like, and it must be noticed.
 */
#ifndef TEST_LIVE_BLOCKER_H
#define TEST_LIVE_BLOCKER_H

#include "victim.h"
#include <pthread.h>
#include <signal.h>

enum { BLOCKER_WAIT_MS = 4000 };

struct blocker {
	const char *name;
	/* One call; returns -1 with errno when it went wrong. */
	int (*call)(struct blocker *b);
	/* Lets a call that waits for ever return; NULL: it returns by itself. */
	void (*kick)(struct blocker *b);
	int fd, peer;
	void *arg;
	uint32_t word;
	/* The rest is the helper's. */
	struct victim *v;
	pthread_t thread;
	_Atomic unsigned long rounds;
};

static inline void blocker_nothing(int number)
{
	(void)number;
}

static inline void *blocker_loop(void *arg)
{
	struct blocker *b = arg;

	for (;; b->rounds++) {
		errno = 0;
		if (b->call(b) < 0) {
			victim_fault(b->v, "%s: %s", b->name, strerror(errno));
			victim_sleep_ms(10);
		}
	}
	return NULL;
}

static inline void blockers_start(struct victim *v, struct blocker *b, size_t count)
{
	struct sigaction sa = { .sa_handler = blocker_nothing };

	NEED(v, sigaction(SIGURG, &sa, NULL) == 0);
	for (size_t i = 0; i < count; i++) {
		b[i].v = v;
		b[i].rounds = 0;
		NEED(v, pthread_create(&b[i].thread, NULL, blocker_loop, &b[i]) == 0);
	}
	victim_sleep_ms(20); /* until each is in its call */
}

/* Each must still come round, and again after that. */
static inline void blockers_verify(struct victim *v, struct blocker *b, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (int round = 0; round < 2; round++) {
			unsigned long before = b[i].rounds;

			if (v->harm)
				pthread_kill(b[i].thread, SIGURG);
			else if (b[i].kick)
				b[i].kick(&b[i]);
			for (int ms = 0; ms < BLOCKER_WAIT_MS && b[i].rounds == before; ms += 2)
				victim_sleep_ms(2);
			CHECK(v, b[i].rounds != before, "%s does not return", b[i].name);
		}
	}
	victim_sleep_ms(10);
}

#endif
