// SPDX-License-Identifier: Apache-2.0
// snaps: 120 every 20 ms
// dry: harm
/*
 * Relative timeouts of 200 ms under snapshots every 20 ms: each stop may cost its own
 * length, but a timeout that starts anew after every stop would never come.
 */
#include "victim.h"
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>

enum {
	WAYS = 6,
	TIMEOUT_MS = 200,
	LATE_MS = 300,     /* most of them are back by then */
	TOO_LATE_MS = 600, /* and all of them by then */
};

struct waiter {
	struct victim *v;
	unsigned way;
	_Atomic unsigned rounds, late;
	_Atomic int64_t worst;
};

struct state {
	struct waiter waiters[WAYS];
};

static const char *const names[WAYS] = { "epoll_wait", "poll", "select", "futex", "ppoll",
					 "nanosleep" };

static void wait_once(unsigned way, int epoll)
{
	struct epoll_event event;
	struct timespec t = { 0, TIMEOUT_MS * 1000000 };
	struct timeval tv = { 0, TIMEOUT_MS * 1000 };
	int word = 0;

	if (way == 0)
		epoll_wait(epoll, &event, 1, TIMEOUT_MS);
	else if (way == 1)
		poll(NULL, 0, TIMEOUT_MS);
	else if (way == 2)
		select(0, NULL, NULL, NULL, &tv);
	else if (way == 3)
		syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &t);
	else if (way == 4)
		ppoll(NULL, 0, &t, NULL);
	else
		nanosleep(&t, NULL);
}

static void *wait_loop(void *arg)
{
	struct waiter *w = arg;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	for (;; w->rounds++) {
		int64_t begun = victim_ms(CLOCK_MONOTONIC), took;

		wait_once(w->way, epoll);
		took = victim_ms(CLOCK_MONOTONIC) - begun;
		if (took < TIMEOUT_MS - 2)
			victim_fault(w->v, "%s came back after %lld ms", names[w->way],
				     (long long)took);
		if (took > w->worst)
			w->worst = took;
		if (took > LATE_MS)
			w->late++;
	}
	return NULL;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	for (unsigned i = 0; i < WAYS; i++) {
		struct waiter *w = &s->waiters[i];
		unsigned before = w->rounds;

		for (int k = 0; k < 400 && w->rounds < before + 2; k++)
			victim_sleep_ms(5);
		CHECK(v, w->rounds >= before + 2, "%s does not come back", names[i]);
		/* Time away from a state that was gone back to counts as lateness: once. */
		CHECK(v, w->late <= 1 + w->rounds / 10u && !v->harm,
		      "%s: %u of %u were late, the worst took %lld ms", names[i], w->late,
		      w->rounds, (long long)w->worst);
		CHECK(v, v->away_ms || w->worst <= TOO_LATE_MS, "%s took %lld ms", names[i],
		      (long long)w->worst);
	}
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { 0 };
	pthread_t thread;

	victim_start(&v, argc, argv);
	for (unsigned i = 0; i < WAYS; i++) {
		s.waiters[i].v = &v;
		s.waiters[i].way = i;
		NEED(&v, pthread_create(&thread, NULL, wait_loop, &s.waiters[i]) == 0);
	}
	victim_serve(&v, NULL, verify, &s);
}
