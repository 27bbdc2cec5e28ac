// SPDX-License-Identifier: Apache-2.0
// dry: harm
/* Streaming: threads that extend hash chains over memory of their own. A page that is
 * old or torn breaks the chain behind it. */
#include "victim.h"
#include <pthread.h>
#include <sys/mman.h>

enum {
	THREADS = 2,
	WORDS = 1 << 19, /* 4 MiB each */
};

struct thread {
	struct victim *v;
	uint64_t *ring; /* each word is hashed from the one before it */
	_Atomic uint64_t steps;
	uint64_t seed;
};

static uint64_t hash(uint64_t x, uint64_t step)
{
	x = (x ^ step) * 0xff51afd7ed558ccdu;
	return x ^ x >> 33;
}

static void *extend(void *arg)
{
	struct thread *t = arg;
	uint64_t last = t->seed;

	for (uint64_t step = 0;; step++) {
		uint64_t *at = &t->ring[step % WORDS];

		last = hash(last, step);
		*at = last;
		t->steps = step + 1;
		if (step % 4096 == 0)
			victim_sleep_ms(1);
		/* Half a ring behind, the link must still hold. */
		if (step > WORDS / 2) {
			uint64_t old = step - WORDS / 2;

			if (t->ring[old % WORDS] != hash(t->ring[(old - 1) % WORDS], old))
				victim_fault(t->v, "the chain is broken at step %llu",
					     (unsigned long long)old);
		}
	}
	return NULL;
}

static void verify(struct victim *v, void *state)
{
	struct thread *threads = state;

	for (int i = 0; i < THREADS; i++) {
		struct thread *t = &threads[i];
		uint64_t end = t->steps, begin = end > WORDS ? end - WORDS + WORDS / 4 : 1;

		if (v->harm)
			t->ring[(end - 100) % WORDS] ^= 1;
		for (uint64_t step = begin + 1; step < end; step++)
			CHECK(v, t->ring[step % WORDS] ==
				 hash(t->ring[(step - 1) % WORDS], step),
			      "thread %d: broken at step %llu of %llu", i,
			      (unsigned long long)step, (unsigned long long)end);
		for (int k = 0; k < 400 && t->steps == end; k++)
			victim_sleep_ms(5);
		CHECK(v, t->steps > end, "thread %d stands still", i);
	}
}

int main(int argc, char **argv)
{
	struct victim v;
	struct thread threads[THREADS] = { 0 };
	pthread_t thread;

	victim_start(&v, argc, argv);
	for (unsigned i = 0; i < THREADS; i++) {
		threads[i].v = &v;
		threads[i].seed = i + 1;
		threads[i].ring = mmap(NULL, WORDS * 8, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		NEED(&v, threads[i].ring != MAP_FAILED);
		NEED(&v, pthread_create(&thread, NULL, extend, &threads[i]) == 0);
	}
	victim_sleep_ms(20);
	victim_serve(&v, NULL, verify, threads);
}
