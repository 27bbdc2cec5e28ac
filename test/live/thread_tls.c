// SPDX-License-Identifier: Apache-2.0
/* What hangs on the thread area: thread-local values, errno, the thread's own id, keys,
 * and a GS base of its own. */
#include "victim.h"
#include <asm/prctl.h>
#include <pthread.h>

enum { THREADS = 6 };

struct thread {
	struct state *state;
	unsigned number;
	_Atomic unsigned long rounds;
};

struct state {
	struct victim *v;
	_Atomic unsigned generation;
	pthread_key_t key;
	struct thread threads[THREADS];
};

static __thread uint64_t value;
static __thread uint64_t array[512];

static void check(struct thread *t, unsigned generation)
{
	struct victim *v = t->state->v;
	unsigned long gs = 0;

	syscall(SYS_arch_prctl, ARCH_GET_GS, &gs);
	if (value != victim_word(t->number, generation))
		victim_fault(v, "thread %u: its value is another", t->number);
	if (victim_differs(array, sizeof(array), generation + t->number) >= 0)
		victim_fault(v, "thread %u: its array is another", t->number);
	if (gs != (unsigned long)(uintptr_t)array)
		victim_fault(v, "thread %u: GS base is %#lx", t->number, gs);
	if (pthread_getspecific(t->state->key) != t)
		victim_fault(v, "thread %u: its key is another", t->number);
	if (errno != (int)t->number + 1)
		victim_fault(v, "thread %u: errno is %d", t->number, errno);
}

static void *live(void *arg)
{
	struct thread *t = arg;
	struct timespec nap = { 0, 3000000 };

	syscall(SYS_arch_prctl, ARCH_SET_GS, array);
	pthread_setspecific(t->state->key, t);
	for (;; t->rounds++) {
		unsigned generation = t->state->generation;

		value = victim_word(t->number, generation);
		victim_fill(array, sizeof(array), generation + t->number);
		errno = (int)t->number + 1;
		clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL); /* leaves errno alone */
		check(t, generation);
	}
	return NULL;
}

static void settle(struct state *s)
{
	for (int i = 0; i < THREADS; i++) {
		unsigned long before = s->threads[i].rounds;

		while (s->threads[i].rounds < before + 2)
			victim_sleep_ms(1);
	}
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	s->generation = v->generation;
	settle(s);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	CHECK(v, s->generation == v->generation, "another generation's values");
	settle(s);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { .v = &v };
	pthread_t thread;

	victim_start(&v, argc, argv);
	pthread_key_create(&s.key, NULL);
	for (unsigned i = 0; i < THREADS; i++) {
		s.threads[i].state = &s;
		s.threads[i].number = i;
		NEED(&v, pthread_create(&thread, NULL, live, &s.threads[i]) == 0);
	}
	settle(&s);
	victim_serve(&v, change, verify, &s);
}
