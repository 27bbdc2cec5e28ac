// SPDX-License-Identifier: Apache-2.0
// dry: harm
/*
 * Streaming: producers and consumers around a bounded queue with a mutex and two
 * condition variables, and a spin lock beside it. Nothing is lost, doubled or stuck.
 */
#include "victim.h"
#include <pthread.h>

enum {
	PRODUCERS = 3,
	CONSUMERS = 3,
	ROOM = 16,
};

struct state {
	struct victim *v;
	pthread_mutex_t lock;
	pthread_cond_t not_empty, not_full;
	uint64_t items[ROOM];
	size_t head, count;
	uint64_t produced, consumed, sum_in, sum_out;
	pthread_spinlock_t spin;
	uint64_t twin[2]; /* equal whenever the spin lock is free */
};

static void both(struct state *s)
{
	pthread_spin_lock(&s->spin);
	if (s->twin[0] != s->twin[1])
		victim_fault(s->v, "twins differ: %llu and %llu", (unsigned long long)s->twin[0],
			     (unsigned long long)s->twin[1]);
	s->twin[0]++;
	for (volatile int i = 0; i < 200; i++)
		;
	s->twin[1]++;
	pthread_spin_unlock(&s->spin);
}

static void *produce(void *arg)
{
	struct state *s = arg;

	for (uint64_t item = 1;; item = item * 6364136223846793005u + 1) {
		pthread_mutex_lock(&s->lock);
		while (s->count == ROOM)
			pthread_cond_wait(&s->not_full, &s->lock);
		s->items[(s->head + s->count++) % ROOM] = item;
		s->produced++;
		s->sum_in += item;
		pthread_cond_signal(&s->not_empty);
		pthread_mutex_unlock(&s->lock);
		both(s);
		if (item % 8 == 1)
			victim_sleep_ms(1);
	}
	return NULL;
}

static void *consume(void *arg)
{
	struct state *s = arg;

	for (;;) {
		pthread_mutex_lock(&s->lock);
		while (s->count == 0)
			pthread_cond_wait(&s->not_empty, &s->lock);
		s->sum_out += s->items[s->head % ROOM];
		s->head++;
		s->count--;
		s->consumed++;
		pthread_cond_signal(&s->not_full);
		pthread_mutex_unlock(&s->lock);
		both(s);
	}
	return NULL;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	uint64_t before, queued = 0;

	pthread_mutex_lock(&s->lock);
	before = s->consumed;
	s->sum_in += v->harm;
	for (size_t i = 0; i < s->count; i++)
		queued += s->items[(s->head + i) % ROOM];
	if (s->sum_in != s->sum_out + queued || s->produced != s->consumed + s->count)
		victim_fail(v, "%llu in, %llu out, %zu queued: the sums differ",
			    (unsigned long long)s->produced, (unsigned long long)s->consumed,
			    s->count);
	pthread_mutex_unlock(&s->lock);
	for (int i = 0; i < 200 && s->consumed < before + 100; i++)
		victim_sleep_ms(5);
	CHECK(v, s->consumed >= before + 100, "the traffic stands still");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { .v = &v, .lock = PTHREAD_MUTEX_INITIALIZER,
			   .not_empty = PTHREAD_COND_INITIALIZER,
			   .not_full = PTHREAD_COND_INITIALIZER };
	pthread_t thread;

	victim_start(&v, argc, argv);
	pthread_spin_init(&s.spin, PTHREAD_PROCESS_PRIVATE);
	for (int i = 0; i < PRODUCERS; i++)
		NEED(&v, pthread_create(&thread, NULL, produce, &s) == 0);
	for (int i = 0; i < CONSUMERS; i++)
		NEED(&v, pthread_create(&thread, NULL, consume, &s) == 0);
	victim_serve(&v, NULL, verify, &s);
}
