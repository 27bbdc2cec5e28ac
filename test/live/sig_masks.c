// SPDX-License-Identifier: Apache-2.0
/* Signal masks: each thread has one of its own, and the next generation's differs. */
#include "victim.h"
#include <pthread.h>
#include <signal.h>

enum { THREADS = 4 };

struct thread {
	struct state *state;
	unsigned number;
	_Atomic unsigned generation; /* which mask is set */
	_Atomic uint64_t mask;       /* as last read back */
	_Atomic unsigned long reads;
};

struct state {
	_Atomic unsigned generation;
	struct thread threads[THREADS];
};

static uint64_t wanted(unsigned thread, unsigned generation)
{
	/* Not what cannot be blocked (9, 19), not glibc's own (32, 33), not errors. */
	return victim_word(thread, generation) & 0xfffffffcff000000u & ~(3ull << 31);
}

static void *hold(void *arg)
{
	struct thread *t = arg;
	uint64_t mask;

	for (;;) {
		if (t->generation != t->state->generation || !t->reads) {
			unsigned next = t->state->generation;

			mask = wanted(t->number, next);
			syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
			t->generation = next;
		}
		syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8);
		t->mask = mask;
		t->reads++;
		victim_sleep_ms(3);
	}
	return NULL;
}

static void settle(struct state *s)
{
	for (int i = 0; i < THREADS; i++) {
		unsigned long reads = s->threads[i].reads;

		while (s->threads[i].reads < reads + 2)
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

	settle(s);
	for (unsigned i = 0; i < THREADS; i++)
		CHECK(v, s->threads[i].mask == wanted(i, v->generation), "thread %u: %#llx", i,
		      (unsigned long long)s->threads[i].mask);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { 0 };
	pthread_t thread;

	victim_start(&v, argc, argv);
	for (unsigned i = 0; i < THREADS; i++) {
		s.threads[i].state = &s;
		s.threads[i].number = i;
		NEED(&v, pthread_create(&thread, NULL, hold, &s.threads[i]) == 0);
	}
	settle(&s);
	victim_serve(&v, change, verify, &s);
}
