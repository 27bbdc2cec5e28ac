// SPDX-License-Identifier: Apache-2.0
// varies: timers tasks status.SigPnd status.ShdPnd (a signal may just be on its way)
/*
 * POSIX timers: by signal, to one thread, silent; ids with gaps; clocks, intervals,
 * remaining times, values. Timers come and go with the generations.
 */
#include "victim.h"
#include <signal.h>
#include <stdatomic.h>

enum {
	SLOTS = 6,
	LONG_S = 3000,
	SLACK_MS = 700,
};

struct state {
	int id[SLOTS]; /* the kernel's, which are the process's to keep; -1: none */
	int64_t armed_ms;
};

static atomic_int fired[SLOTS];

static void on_timer(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (info->si_code == SI_TIMER && info->si_value.sival_int >= 0 &&
	    info->si_value.sival_int < SLOTS)
		fired[info->si_value.sival_int]++;
}

static bool exists(unsigned slot, unsigned generation)
{
	return slot != 1 && (slot + generation) % 4 != 0; /* slot 1 was deleted: a gap */
}

static void arm(const struct state *s, unsigned slot, unsigned generation)
{
	/* Even slots go off soon and often, odd ones in an hour. */
	long soon_ns = slot % 2 ? 0 : 20000000;
	struct itimerspec t = { { 0, 30000000 + generation * 1000000 },
				{ slot % 2 ? LONG_S : 0, soon_ns } };

	syscall(SYS_timer_settime, s->id[slot], 0, &t, NULL);
}

static void make(struct victim *v, struct state *s, unsigned slot)
{
	static const int clocks[SLOTS] = { CLOCK_MONOTONIC, CLOCK_MONOTONIC, CLOCK_REALTIME,
					   CLOCK_BOOTTIME, CLOCK_MONOTONIC, CLOCK_REALTIME };
	static const int notify[SLOTS] = { SIGEV_SIGNAL, SIGEV_SIGNAL, SIGEV_THREAD_ID,
					   SIGEV_SIGNAL, SIGEV_THREAD_ID, SIGEV_NONE };
	struct sigevent event = { .sigev_notify = notify[slot], .sigev_signo = SIGRTMIN + 1,
				  .sigev_value.sival_int = (int)slot };

	event._sigev_un._tid = gettid();
	CHECK(v, syscall(SYS_timer_create, clocks[slot], &event, &s->id[slot]) == 0,
	      "timer_create: %s", strerror(errno));
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	s->armed_ms = victim_ms(CLOCK_MONOTONIC);
	for (unsigned i = 0; i < SLOTS; i++) {
		if (exists(i, v->generation) && s->id[i] < 0)
			make(v, s, i);
		if (!exists(i, v->generation) && s->id[i] >= 0) {
			syscall(SYS_timer_delete, s->id[i]);
			s->id[i] = -1;
		}
		if (s->id[i] >= 0)
			arm(s, i, v->generation);
	}
}

static void check(struct victim *v, struct state *s, unsigned slot)
{
	int64_t left, expected = s->armed_ms + LONG_S * 1000 + v->away_ms -
				 victim_ms(CLOCK_MONOTONIC);
	int before = fired[slot];
	struct itimerspec t;

	CHECK(v, syscall(SYS_timer_gettime, s->id[slot], &t) == 0, "timer %u with id %d: %s", slot,
	      s->id[slot], strerror(errno));
	CHECK(v, t.it_interval.tv_nsec == 30000000 + (long)v->generation * 1000000,
	      "timer %u: interval %ld ns", slot, t.it_interval.tv_nsec);
	if (slot % 2) {
		left = t.it_value.tv_sec * 1000LL + t.it_value.tv_nsec / 1000000;
		CHECK(v, llabs(left - expected) < SLACK_MS, "timer %u: %lld ms left, not %lld",
		      slot, (long long)left, (long long)expected);
		return;
	}
	for (int i = 0; i < 100 && fired[slot] < before + 2; i++)
		victim_sleep_ms(10);
	CHECK(v, fired[slot] >= before + 2, "timer %u does not go off", slot);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	for (unsigned i = 0; i < SLOTS; i++) {
		CHECK(v, (s->id[i] >= 0) == exists(i, v->generation), "timer %u is %s", i,
		      s->id[i] >= 0 ? "there" : "missing");
		if (s->id[i] >= 0)
			check(v, s, i);
	}
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	struct sigaction sa = { .sa_sigaction = on_timer, .sa_flags = SA_SIGINFO | SA_RESTART };

	victim_start(&v, argc, argv);
	NEED(&v, sigaction(SIGRTMIN + 1, &sa, NULL) == 0);
	for (unsigned i = 0; i < SLOTS; i++)
		make(&v, &s, i);
	syscall(SYS_timer_delete, s.id[1]);
	s.id[1] = -1;
	change(&v, &s);
	NEED(&v, !v.failed);
	victim_serve(&v, change, verify, &s);
}
