// SPDX-License-Identifier: Apache-2.0
/* A hundred threads, each with a stack of its own contents, some asleep, some waiting. */
#include "victim.h"
#include <pthread.h>

enum { THREADS = 100 };

struct thread {
	struct victim *v;
	unsigned number;
	_Atomic unsigned long rounds;
	_Atomic unsigned seed; /* what its stack is filled with next */
};

struct state {
	struct thread threads[THREADS];
};

static void *live(void *arg)
{
	struct thread *t = arg;
	uint64_t words[256];

	for (;; t->rounds++) {
		unsigned seed = t->seed;

		victim_fill(words, sizeof(words), seed + t->number);
		victim_sleep_ms(20 + t->number % 17);
		if (victim_differs(words, sizeof(words), seed + t->number) >= 0)
			victim_fault(t->v, "the stack of thread %u has changed", t->number);
	}
	return NULL;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	for (unsigned i = 0; i < THREADS; i++)
		s->threads[i].seed = v->generation * 1000;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	unsigned long before[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		before[i] = s->threads[i].rounds;
		CHECK(v, s->threads[i].seed == v->generation * 1000, "seed of thread %u", i);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		for (int k = 0; k < 200 && s->threads[i].rounds == before[i]; k++)
			victim_sleep_ms(5);
		CHECK(v, s->threads[i].rounds != before[i], "thread %u stands still", i);
	}
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { 0 };
	pthread_attr_t attr;
	pthread_t thread;

	victim_start(&v, argc, argv);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	for (unsigned i = 0; i < THREADS; i++) {
		s.threads[i].v = &v;
		s.threads[i].number = i;
		NEED(&v, pthread_create(&thread, &attr, live, &s.threads[i]) == 0);
	}
	victim_serve(&v, change, verify, &s);
}
