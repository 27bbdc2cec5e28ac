// SPDX-License-Identifier: Apache-2.0
/*
 * Robust mutexes held by a thread: the kernel's list head must still be registered, so
 * that the thread's end gives EOWNERDEAD to the next one; and a plain mutex that is held
 * stays held. The number of held ones changes with the generation.
 */
#include "victim.h"
#include <pthread.h>

enum { COUNT = 4 };

struct state {
	pthread_mutex_t robust[COUNT], plain;
	_Atomic unsigned wanted; /* how many the thread holds */
	_Atomic unsigned held;
	_Atomic bool leave;
	pthread_t thread;
};

static void *hold(void *arg)
{
	struct state *s = arg;

	while (!s->leave) {
		if (s->held < s->wanted)
			pthread_mutex_lock(&s->robust[s->held++]);
		else if (s->held > s->wanted)
			pthread_mutex_unlock(&s->robust[--s->held]);
		else
			victim_sleep_ms(2);
	}
	return NULL; /* without unlocking */
}

static void begin(struct victim *v, struct state *s)
{
	s->held = 0;
	s->leave = false;
	s->wanted = 1 + v->generation % COUNT;
	NEED(v, pthread_create(&s->thread, NULL, hold, s) == 0);
	while (s->held != s->wanted)
		victim_sleep_ms(1);
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	s->wanted = 1 + v->generation % COUNT;
	while (s->held != s->wanted)
		victim_sleep_ms(1);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	unsigned dead = 0;

	CHECK(v, pthread_mutex_trylock(&s->plain) == EBUSY, "the held plain mutex is free");
	for (unsigned i = 0; i < COUNT; i++) {
		int error = pthread_mutex_trylock(&s->robust[i]);

		CHECK(v, (error == EBUSY) == (i <= v->generation % COUNT), "mutex %u: %s", i,
		      strerror(error));
		if (!error)
			pthread_mutex_unlock(&s->robust[i]);
	}
	s->leave = true;
	pthread_join(s->thread, NULL);
	for (unsigned i = 0; i < COUNT; i++) {
		int error = pthread_mutex_trylock(&s->robust[i]);

		if (error == EOWNERDEAD) {
			pthread_mutex_consistent(&s->robust[i]);
			dead++;
		}
		if (error == 0 || error == EOWNERDEAD)
			pthread_mutex_unlock(&s->robust[i]);
	}
	CHECK(v, dead == 1 + v->generation % COUNT, "%u mutexes tell of their dead owner", dead);
	begin(v, s);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { .plain = PTHREAD_MUTEX_INITIALIZER };
	pthread_mutexattr_t attr;

	victim_start(&v, argc, argv);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	for (int i = 0; i < COUNT; i++)
		pthread_mutex_init(&s.robust[i], &attr);
	pthread_mutex_lock(&s.plain);
	begin(&v, &s);
	victim_serve(&v, change, verify, &s);
}
