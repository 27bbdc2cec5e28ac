// SPDX-License-Identifier: Apache-2.0
// dry: harm
/* Streaming: shared memory, of which so much is written all the time that it is copied ahead of the
 * freeze. What was written to each page stands in private memory, too: both are of one moment. */
#include "victim.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

enum {
	PAGES = 8192,
	WORDS = VICTIM_PAGE / sizeof(uint64_t),
	STRIDE = 1031, /* pages in an order of their own, each once in a round */
	AT_ONCE = 64,
};

struct state {
	struct victim *v;
	uint64_t (*shared)[WORDS];
	uint64_t *last; /* of each page */
	_Atomic uint64_t steps;
	atomic_bool rest, rests;
};

static bool is_whole(const struct state *s, size_t page)
{
	return s->shared[page][0] == s->last[page] &&
	       s->shared[page][WORDS / 2] == s->last[page] &&
	       s->shared[page][WORDS - 1] == s->last[page];
}

static void *work(void *arg)
{
	struct state *s = arg;

	for (uint64_t step = 1;; step++) {
		size_t page = step * STRIDE % PAGES;

		if (!is_whole(s, page))
			victim_fault(s->v, "page %zu is not of step %llu", page,
				     (unsigned long long)s->last[page]);
		s->shared[page][0] = s->shared[page][WORDS / 2] = s->shared[page][WORDS - 1] = step;
		s->last[page] = step;
		s->steps = step;
		if (step % AT_ONCE == 0)
			victim_sleep_ms(1);
		while (s->rest) {
			s->rests = true;
			victim_sleep_ms(1);
		}
		s->rests = false;
	}
	return NULL;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	uint64_t steps;

	s->rest = true;
	while (!s->rests)
		victim_sleep_ms(1);
	if (v->harm)
		s->shared[PAGES / 2][WORDS / 2] ^= 1;
	for (size_t page = 0; page < PAGES; page++)
		CHECK(v, is_whole(s, page), "page %zu is not of step %llu, of %llu", page,
		      (unsigned long long)s->last[page], (unsigned long long)s->steps);
	steps = s->steps;
	s->rest = false;
	for (int k = 0; k < 400 && s->steps == steps; k++)
		victim_sleep_ms(5);
	CHECK(v, s->steps > steps, "nothing is written any more");
}

int main(int argc, char **argv)
{
	static struct victim v;
	static struct state s = { .v = &v };
	pthread_t thread;

	victim_start(&v, argc, argv);
	s.shared = mmap(NULL, PAGES * VICTIM_PAGE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	s.last = calloc(PAGES, sizeof(*s.last));
	NEED(&v, s.shared != MAP_FAILED && s.last);
	NEED(&v, pthread_create(&thread, NULL, work, &s) == 0);
	victim_sleep_ms(20);
	victim_serve(&v, NULL, verify, &s);
}
