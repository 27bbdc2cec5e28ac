// SPDX-License-Identifier: Apache-2.0
// snaps: 100
// dry: harm
/*
 * Restartable sequences: two threads on one processor count up a shared number inside
 * critical sections, which take long, so that most stops fall into one. A thread that
 * is stopped there must be aborted; if the abort is lost, so is the other's count.
 */
#include "victim.h"
#include <pthread.h>
#include <sched.h>
#include <sys/rseq.h>

enum { THREADS = 2 };

struct thread {
	struct state *state;
	uint64_t counted; /* sections that came to their end */
	uint64_t aborted;
	_Atomic unsigned long rounds;
};

struct state {
	int cpu;
	_Atomic bool rest; /* the threads pause, for the sum to be taken */
	_Atomic unsigned resting;
	volatile uint64_t shared;
	struct thread threads[THREADS];
};

/* shared++ as load, long wait, store; false when the kernel aborted it. */
static __attribute__((noinline)) bool count_up(volatile uint64_t *shared, struct rseq *area)
{
	asm goto(".pushsection __rseq_cs, \"aw\"\n\t"
		 ".balign 32\n"
		 "3:\t.long 0, 0\n\t"
		 ".quad 1f, 2f - 1f, 4f\n\t"
		 ".popsection\n\t"
		 "lea 3b(%%rip), %%rax\n\t"
		 "mov %%rax, %[cs]\n"
		 "1:\tmov (%[shared]), %%rax\n\t"
		 "mov $200000, %%ecx\n"
		 "5:\tdec %%ecx\n\t"
		 "jnz 5b\n\t"
		 "inc %%rax\n\t"
		 "mov %%rax, (%[shared])\n" /* the commit is the section's last instruction */
		 "2:\tjmp 6f\n\t"
		 ".long 0x53053053\n" /* RSEQ_SIG, the signature before an abort handler */
		 "4:\tjmp %l[aborted]\n"
		 "6:\n"
		 :
		 : [cs] "m"(area->rseq_cs), [shared] "r"(shared)
		 : "rax", "rcx", "memory", "cc"
		 : aborted);
	return true;
aborted:
	return false;
}

static void *count(void *arg)
{
	struct thread *t = arg;
	struct rseq *area = (void *)((char *)__builtin_thread_pointer() + __rseq_offset);
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(t->state->cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
	for (;; t->rounds++) {
		if (t->state->rest) {
			t->state->resting++;
			while (t->state->rest)
				victim_sleep_ms(1);
			t->state->resting--;
		}
		if (count_up(&t->state->shared, area))
			t->counted++;
		else
			t->aborted++;
	}
	return NULL;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	uint64_t sum = 0, aborts = 0;

	victim_sleep_ms(50);
	s->rest = true;
	while (s->resting < THREADS)
		victim_sleep_ms(1);
	s->shared -= v->harm;
	for (int i = 0; i < THREADS; i++) {
		sum += s->threads[i].counted;
		aborts += s->threads[i].aborted;
	}
	if (sum != s->shared)
		victim_fail(v, "counted %llu, found %llu, after %llu aborts: one was lost",
			    (unsigned long long)sum, (unsigned long long)s->shared,
			    (unsigned long long)aborts);
	else if (aborts == 0)
		victim_fail(v, "no section was ever aborted: the test sees nothing");
	s->rest = false;
	while (s->resting > 0)
		victim_sleep_ms(1);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { 0 };
	pthread_t thread;
	cpu_set_t all;

	victim_start(&v, argc, argv);
	if (!__rseq_size)
		victim_skip(&v, "glibc has not registered rseq");
	NEED(&v, sched_getaffinity(0, sizeof(all), &all) == 0);
	while (!CPU_ISSET(s.cpu, &all))
		s.cpu++;
	for (int i = 0; i < THREADS; i++) {
		s.threads[i].state = &s;
		NEED(&v, pthread_create(&thread, NULL, count, &s.threads[i]) == 0);
	}
	victim_serve(&v, NULL, verify, &s);
}
