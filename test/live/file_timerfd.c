// SPDX-License-Identifier: Apache-2.0
/*
 * timerfd: periodic, absolute, disarmed, one that has expired unread; clocks and
 * remaining times. The relative ones go on with what was left of them, so their
 * remaining time is checked against the time spent away.
 */
#include "victim.h"
#include <sys/timerfd.h>

enum {
	LONG_S = 1000,
	SLACK_MS = 700,
};

struct state {
	int periodic, absolute, disarmed, expired, once;
	int64_t armed_ms, target_ms;
};

static void arm(int fd, int flags, int64_t value_ms, int64_t interval_ms)
{
	struct itimerspec t = {
		{ interval_ms / 1000, interval_ms % 1000 * 1000000 },
		{ value_ms / 1000, value_ms % 1000 * 1000000 },
	};

	timerfd_settime(fd, flags, &t, NULL);
}

static int64_t ms(const struct timespec *t)
{
	return t->tv_sec * 1000LL + t->tv_nsec / 1000000;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	s->armed_ms = victim_ms(CLOCK_MONOTONIC);
	s->target_ms = victim_ms(CLOCK_REALTIME) + (LONG_S + 100 * v->generation) * 1000LL;
	arm(s->periodic, 0, 20, 20 + v->generation);
	arm(s->absolute, TFD_TIMER_ABSTIME, s->target_ms, 0);
	arm(s->once, 0, (LONG_S + 100 * v->generation) * 1000LL, 7000 + v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	struct itimerspec t;
	int64_t left, expected;
	uint64_t ticks;

	victim_sleep_ms(60);
	CHECK(v, timerfd_gettime(s->periodic, &t) == 0 && ms(&t.it_interval) == 20 + v->generation,
	      "period is %lld ms", (long long)ms(&t.it_interval));
	CHECK(v, read(s->periodic, &ticks, 8) == 8 && ticks > 0, "the periodic one does not tick");
	CHECK(v, timerfd_gettime(s->absolute, &t) == 0, "gettime: %s", strerror(errno));
	left = s->target_ms - victim_ms(CLOCK_REALTIME);
	CHECK(v, llabs(ms(&t.it_value) - left) < SLACK_MS, "absolute: %lld ms left, not %lld",
	      (long long)ms(&t.it_value), (long long)left);
	CHECK(v, timerfd_gettime(s->once, &t) == 0, "gettime: %s", strerror(errno));
	expected = s->armed_ms + (LONG_S + 100 * v->generation) * 1000LL + v->away_ms -
		   victim_ms(CLOCK_MONOTONIC);
	CHECK(v, llabs(ms(&t.it_value) - expected) < SLACK_MS, "relative: %lld ms left, not %lld",
	      (long long)ms(&t.it_value), (long long)expected);
	CHECK(v, ms(&t.it_interval) == 7000 + v->generation, "its interval");
	CHECK(v, timerfd_gettime(s->disarmed, &t) == 0 && !ms(&t.it_value), "disarmed, and is not");
	CHECK(v, read(s->expired, &ticks, 8) == 8 && ticks == 1, "the expired one: %s",
	      strerror(errno));
	arm(s->expired, 0, 1, 0);
	victim_sleep_ms(5);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	s.periodic = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	s.absolute = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC);
	s.disarmed = timerfd_create(CLOCK_BOOTTIME, 0);
	s.expired = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	s.once = timerfd_create(CLOCK_BOOTTIME, 0);
	NEED(&v, s.periodic >= 0 && s.absolute >= 0 && s.disarmed >= 0 && s.expired >= 0 &&
		 s.once >= 0);
	arm(s.expired, 0, 1, 0);
	change(&v, &s);
	victim_sleep_ms(30);
	victim_serve(&v, change, verify, &s);
}
