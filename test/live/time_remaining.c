// SPDX-License-Identifier: Apache-2.0
// snaps: 4 every 200 ms
// delay: 1000 ms
// away: 400 ms
// journeys: resume restore revert (chain: a sleep of generation 0 has ended by then)
// dry: harm
/*
 * What is left of a sleep: a relative one of 3 s that a snapshot meets after 1 s lasts
 * another 2 s from wherever it goes on, also after several snapshots; an absolute one
 * ends at its time, or at once when that has passed.
 */
#include "victim.h"
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>

enum {
	WAYS = 8,
	ABSOLUTE = 6, /* from here on */
	LENGTH_MS = 3000,
	SLACK_MS = 250,
};

struct sleeper {
	unsigned way;
	_Atomic bool ended;
	int64_t begun, took;
	long result;
	int error;
};

struct state {
	struct sleeper sleepers[WAYS];
};

static const char *const names[WAYS] = {
	"nanosleep", "clock_nanosleep", "poll", "select", "epoll_wait", "futex",
	"clock_nanosleep until", "futex until",
};

static long sleep_once(unsigned way)
{
	struct epoll_event event;
	struct timespec t = { LENGTH_MS / 1000, 0 }, until;
	struct timeval tv = { LENGTH_MS / 1000, 0 };
	int word = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LENGTH_MS / 1000;
	switch (way) {
	case 0:
		return syscall(SYS_nanosleep, &t, NULL);
	case 1:
		return syscall(SYS_clock_nanosleep, CLOCK_BOOTTIME, 0, &t, NULL);
	case 2:
		return poll(NULL, 0, LENGTH_MS);
	case 3:
		return select(0, NULL, NULL, NULL, &tv);
	case 4:
		return epoll_wait(epoll_create1(EPOLL_CLOEXEC), &event, 1, LENGTH_MS);
	case 5:
		return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &t);
	case 6:
		return syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	default:
		return syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, &until, NULL, ~0u);
	}
}

static void *sleep_thread(void *arg)
{
	struct sleeper *s = arg;

	s->begun = victim_ms(CLOCK_MONOTONIC);
	s->result = sleep_once(s->way);
	s->error = errno;
	s->took = victim_ms(CLOCK_MONOTONIC) - s->begun;
	s->ended = true;
	for (;;)
		victim_sleep_ms(1000);
	return NULL;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	for (unsigned i = 0; i < WAYS; i++) {
		struct sleeper *one = &s->sleepers[i];
		int64_t expected = LENGTH_MS + (i < ABSOLUTE ? v->away_ms : 0);
		bool times_out = i == 5 || i == 7;

		/* An absolute sleep whose time is over ends when it goes on. */
		if (one->begun + LENGTH_MS <= v->snap_ms)
			expected = LENGTH_MS; /* it had ended in the state gone back to */
		else if (i >= ABSOLUTE && v->snap_ms + v->away_ms > one->begun + expected)
			expected = v->snap_ms + v->away_ms - one->begun;
		for (int k = 0; k < 3000 && !one->ended; k++)
			victim_sleep_ms(5);
		CHECK(v, one->ended, "%s does not end", names[i]);
		CHECK(v, times_out ? one->result < 0 && one->error == ETIMEDOUT : one->result == 0,
		      "%s: %ld, %s", names[i], one->result, strerror(one->error));
		CHECK(v, llabs(one->took - expected) < SLACK_MS && !v->harm,
		      "%s took %lld ms, not %lld", names[i], (long long)one->took,
		      (long long)expected);
	}
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { 0 };
	pthread_t thread;

	victim_start(&v, argc, argv);
	for (unsigned i = 0; i < WAYS; i++) {
		s.sleepers[i].way = i;
		NEED(&v, pthread_create(&thread, NULL, sleep_thread, &s.sleepers[i]) == 0);
	}
	victim_serve(&v, NULL, verify, &s);
}
