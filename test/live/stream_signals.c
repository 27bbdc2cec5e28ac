// SPDX-License-Identifier: Apache-2.0
// varies: tasks status (signals are pending or not, masks change in handlers)
// dry: harm
/* Streaming: two threads send each other real-time signals with numbers, a timer sends
 * more; every one runs its handler once, in order. */
#include "victim.h"
#include <pthread.h>
#include <signal.h>

enum { LEAD = 100 }; /* how far a sender may be ahead */

struct side {
	struct state *state;
	pthread_t thread;
	int number; /* the signal this one receives */
	_Atomic uint64_t sent, handled;
};

struct state {
	struct side sides[2];
	_Atomic bool skip;
};

/* The handler's. */
static struct victim *handlers_victim;
static struct state *handlers_state;
static volatile sig_atomic_t ticks;

static void on_signal(int number, siginfo_t *info, void *context)
{
	struct side *me = &handlers_state->sides[number - SIGRTMIN - 8];

	(void)context;
	if ((uint32_t)info->si_value.sival_int != (uint32_t)me->handled)
		victim_fault(handlers_victim, "signal %d for number %llu", info->si_value.sival_int,
			     (unsigned long long)me->handled);
	me->handled++;
}

static void on_tick(int number)
{
	(void)number;
	ticks++;
}

static void *talk(void *arg)
{
	struct side *me = arg, *other = &me->state->sides[me == me->state->sides];

	for (;;) {
		siginfo_t info = { .si_signo = other->number, .si_code = SI_QUEUE };

		if (other->sent - other->handled > LEAD) {
			victim_sleep_ms(1);
			continue;
		}
		if (me->state->skip)
			other->sent++;
		info.si_value.sival_int = (int)other->sent;
		pthread_sigqueue(other->thread, other->number, info.si_value);
		other->sent++;
		if (other->sent % 32 == 0)
			victim_sleep_ms(1);
	}
	return NULL;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	int before = ticks;

	s->skip = v->harm;
	for (int i = 0; i < 2; i++) {
		uint64_t had = s->sides[i].handled;

		for (int k = 0; k < 400 && s->sides[i].handled < had + 100; k++)
			victim_sleep_ms(5);
		CHECK(v, s->sides[i].handled >= had + 100, "no signals for side %d", i);
	}
	victim_sleep_ms(30);
	CHECK(v, ticks > before, "the timer has stopped");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { 0 };
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigaction tick = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec period = { { 0, 2000000 }, { 0, 2000000 } };
	timer_t timer;

	victim_start(&v, argc, argv);
	handlers_victim = &v;
	handlers_state = &s;
	NEED(&v, sigaction(SIGUSR1, &tick, NULL) == 0);
	for (int i = 0; i < 2; i++) {
		s.sides[i].state = &s;
		s.sides[i].number = SIGRTMIN + 8 + i;
		NEED(&v, sigaction(s.sides[i].number, &sa, NULL) == 0);
	}
	s.sides[0].sent = LEAD + 1; /* holds both back until both are there */
	s.sides[1].sent = LEAD + 1;
	for (int i = 0; i < 2; i++)
		NEED(&v, pthread_create(&s.sides[i].thread, NULL, talk, &s.sides[i]) == 0);
	s.sides[0].sent = s.sides[1].sent = 0;
	NEED(&v, timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	NEED(&v, timer_settime(timer, 0, &period, NULL) == 0);
	victim_serve(&v, NULL, verify, &s);
}
