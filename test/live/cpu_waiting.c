// SPDX-License-Identifier: Apache-2.0
/*
 * Registers of threads inside a system call: what the call may not change must be there
 * when it returns, vectors and control words among it, in a rebuilt process too.
 */
#include "victim.h"
#include <pthread.h>

enum { THREADS = 3 };

struct thread {
	struct state *state;
	unsigned number;
	_Atomic unsigned long rounds;
};

struct state {
	struct victim *v;
	_Atomic unsigned generation;
	struct thread threads[THREADS];
};

/* nanosleep(20 ms) with patterns in registers before and after. */
static long sleep_with(const uint64_t *p, uint64_t *q)
{
	struct timespec nap = { 0, 20000000 };
	uint32_t saved, after, control = 0x1f80 | 0x2000; /* round down */
	long result;

	asm volatile("stmxcsr %[saved]\n\tldmxcsr %[control]\n\t"
		     "movups (%[p]), %%xmm3\n\tmovups 16(%[p]), %%xmm12\n\t"
		     "mov 32(%[p]), %%r12\n\tmov 40(%[p]), %%r10\n\tmov 48(%[p]), %%r8\n\t"
		     "syscall\n\t"
		     "movups %%xmm3, (%[q])\n\tmovups %%xmm12, 16(%[q])\n\t"
		     "mov %%r12, 32(%[q])\n\tmov %%r10, 40(%[q])\n\tmov %%r8, 48(%[q])\n\t"
		     "stmxcsr %[after]\n\tldmxcsr %[saved]\n\t"
		     : "=a"(result), [saved] "=m"(saved), [after] "=m"(after)
		     : "a"((long)SYS_nanosleep), "D"(&nap), "S"(0L), [p] "r"(p), [q] "r"(q),
		       [control] "m"(control)
		     : "rcx", "r8", "r10", "r11", "r12", "xmm3", "xmm12", "memory", "cc");
	q[7] = p[7] + ((after & 0xffc0) != control);
	return result;
}

static void *wait_loop(void *arg)
{
	struct thread *t = arg;
	uint64_t pattern[8], back[8];
	long result;

	for (;; t->rounds++) {
		victim_fill(pattern, sizeof(pattern), t->state->generation * 10 + t->number);
		result = sleep_with(pattern, back);
		if (result != 0)
			victim_fault(t->state->v, "nanosleep returned %ld", result);
		for (int i = 0; i < 8; i++) {
			if (back[i] != pattern[i])
				victim_fault(t->state->v, "register %d: %#llx, not %#llx", i,
					     (unsigned long long)back[i],
					     (unsigned long long)pattern[i]);
		}
	}
	return NULL;
}

static void change(struct victim *v, void *state)
{
	((struct state *)state)->generation = v->generation;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	CHECK(v, s->generation == v->generation, "another generation's pattern");
	for (unsigned i = 0; i < THREADS; i++) {
		unsigned long before = s->threads[i].rounds;

		for (int k = 0; k < 400 && s->threads[i].rounds < before + 2; k++)
			victim_sleep_ms(5);
		CHECK(v, s->threads[i].rounds >= before + 2, "thread %u stands still", i);
	}
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { .v = &v };
	pthread_t thread;

	victim_start(&v, argc, argv);
	for (unsigned i = 0; i < THREADS; i++) {
		s.threads[i].state = &s;
		s.threads[i].number = i;
		NEED(&v, pthread_create(&thread, NULL, wait_loop, &s.threads[i]) == 0);
	}
	victim_serve(&v, change, verify, &s);
}
