// SPDX-License-Identifier: Apache-2.0
// varies: maps vmflags status tasks (threads come and go all the time)
// dry: harm
/* Streaming: threads that make threads that make threads, each alive for a moment only:
 * freezing must catch them all, also those that are being born or dying. */
#include "victim.h"
#include <pthread.h>

struct state {
	struct victim *v;
	_Atomic uint64_t born, died;
	_Atomic uint64_t cheat;
};

struct child {
	struct state *state;
	uint64_t in, out;
};

static void *brief(void *arg)
{
	struct child *c = arg;
	uint64_t words[32];

	victim_fill(words, sizeof(words), c->in);
	if (c->in % 3 == 0)
		victim_sleep_ms(1);
	c->out = victim_differs(words, sizeof(words), c->in) < 0 ? c->in * 3 : 0;
	c->state->died++;
	return NULL;
}

static void *breed(void *arg)
{
	struct state *s = arg;

	for (uint64_t i = 1;; i++) {
		struct child children[4];
		pthread_t threads[4];

		for (int k = 0; k < 4; k++) {
			children[k] = (struct child){ s, i * 4 + (uint64_t)k, 0 };
			if (pthread_create(&threads[k], NULL, brief, &children[k]) != 0)
				victim_fault(s->v, "pthread_create: %s", strerror(errno));
			s->born++;
		}
		for (int k = 0; k < 4; k++) {
			if (pthread_join(threads[k], NULL) != 0)
				victim_fault(s->v, "pthread_join: %s", strerror(errno));
			if (children[k].out != children[k].in * 3 + s->cheat)
				victim_fault(s->v, "a thread returned %llu for %llu",
					     (unsigned long long)children[k].out,
					     (unsigned long long)children[k].in);
		}
	}
	return NULL;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	uint64_t before = s->died;

	s->cheat = v->harm;
	for (int i = 0; i < 400 && s->died < before + 100; i++)
		victim_sleep_ms(5);
	CHECK(v, s->died >= before + 100, "no threads are born any more");
	CHECK(v, llabs((int64_t)(s->born - s->died)) <= 16, "%lld threads were lost",
	      (long long)(s->born - s->died));
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { .v = &v };
	pthread_t thread;

	victim_start(&v, argc, argv);
	for (int i = 0; i < 2; i++)
		NEED(&v, pthread_create(&thread, NULL, breed, &s) == 0);
	victim_serve(&v, NULL, verify, &s);
}
