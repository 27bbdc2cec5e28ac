// SPDX-License-Identifier: Apache-2.0
// journeys: resume burst (restore: the runner counts; revert: it does; chain: it does)
/*
 * Signals that arrive while it is frozen: the runner sends 20 real-time and 20 standard
 * ones a burst. Every real-time one runs its handler once; the standard ones join, but
 * at least one comes. Each change dirties 128 MiB, so that the stop lasts.
 */
#include "victim.h"
#include <signal.h>
#include <sys/mman.h>

enum {
	BURST = 20,
	BYTES = 128 << 20,
};

struct state {
	char *memory;
	bool sent; /* the runner sends bursts */
};

static volatile sig_atomic_t queued, joined;

static void on_queued(int number)
{
	(void)number;
	queued++;
}

static void on_joined(int number)
{
	(void)number;
	joined++;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	victim_fill(s->memory, BYTES, v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	if (queued)
		s->sent = true;
	victim_sleep_ms(20);
	victim_expect(v, "memory", s->memory, BYTES, v->generation);
	if (!s->sent)
		return;
	CHECK(v, queued == BURST * (int)v->generation, "%d handlers of %d ran", (int)queued,
	      BURST * (int)v->generation);
	CHECK(v, joined >= (int)v->generation && joined <= BURST * (int)v->generation,
	      "the standard signal came %d times in %u bursts", (int)joined, v->generation);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { 0 };
	struct sigaction queue = { .sa_handler = on_queued, .sa_flags = SA_RESTART };
	struct sigaction join = { .sa_handler = on_joined, .sa_flags = SA_RESTART };

	victim_start(&v, argc, argv);
	s.memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(&v, s.memory != MAP_FAILED);
	NEED(&v, sigaction(SIGRTMIN + 1, &queue, NULL) == 0);
	NEED(&v, sigaction(SIGUSR1, &join, NULL) == 0);
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}
