// SPDX-License-Identifier: Apache-2.0
// varies: status.ShdPnd (an alarm may just be on its way)
/* Interval timers: real, virtual, profiling; values, intervals, and that they go off. */
#include "victim.h"
#include <signal.h>
#include <sys/time.h>

enum { LONG_S = 5000 };

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
	(void)number;
	alarms++;
}

static void arm(int which, long value_s, long interval_us)
{
	struct itimerval t = { { interval_us / 1000000, interval_us % 1000000 }, { value_s, 0 } };

	if (!value_s)
		t.it_value = t.it_interval;
	setitimer(which, &t, NULL);
}

static void change(struct victim *v, void *state)
{
	(void)state;
	arm(ITIMER_REAL, 0, 20000 + v->generation * 1000);
	arm(ITIMER_VIRTUAL, LONG_S + 100 * (long)v->generation, 3000000);
	/* Armed in even generations only. */
	arm(ITIMER_PROF, v->generation % 2 ? 0 : LONG_S, 0);
}

static void verify(struct victim *v, void *state)
{
	struct itimerval t;
	long expected = LONG_S + 100 * (long)v->generation;
	int before = alarms;

	(void)state;
	getitimer(ITIMER_REAL, &t);
	CHECK(v, t.it_interval.tv_sec == 0 &&
		 t.it_interval.tv_usec == 20000 + (long)v->generation * 1000,
	      "real: interval %ld us", (long)t.it_interval.tv_usec);
	getitimer(ITIMER_VIRTUAL, &t);
	CHECK(v, t.it_value.tv_sec <= expected && t.it_value.tv_sec >= expected - 5,
	      "virtual: %ld s left", (long)t.it_value.tv_sec);
	CHECK(v, t.it_interval.tv_sec == 3, "virtual: interval");
	getitimer(ITIMER_PROF, &t);
	CHECK(v, (t.it_value.tv_sec >= LONG_S - 5) == (v->generation % 2 == 0),
	      "profiling: %ld s left", (long)t.it_value.tv_sec);
	for (int i = 0; i < 100 && alarms < before + 3; i++)
		victim_sleep_ms(10);
	CHECK(v, alarms >= before + 3, "no alarms any more");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };

	victim_start(&v, argc, argv);
	NEED(&v, sigaction(SIGALRM, &sa, NULL) == 0);
	change(&v, NULL);
	victim_serve(&v, change, verify, NULL);
}
