// SPDX-License-Identifier: Apache-2.0
/*
 * The main stack: each change goes one deep frame further down and never returns, so
 * an older state has another stack pointer. The stack must be able to grow anew.
 */
#include "victim.h"

enum { FRAME_BYTES = 128 * 1024 };

struct frame {
	struct frame *above;
	unsigned generation;
	uint64_t words[FRAME_BYTES / sizeof(uint64_t)];
};

struct state {
	struct frame *top;
};

/* Further down with every command, so each time beyond all that was ever mapped. */
static __attribute__((noinline)) size_t grow_further(const struct victim *v)
{
	size_t bytes = (1024 + 64 * (size_t)v->seq) * 1024;
	volatile char *deep = __builtin_alloca(bytes);

	for (size_t i = bytes; i >= VICTIM_PAGE; i -= VICTIM_PAGE)
		deep[i - 1] = 1;
	return deep[VICTIM_PAGE - 1];
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	unsigned generation = v->generation;

	for (struct frame *f = s->top; f; f = f->above, generation--) {
		CHECK(v, f->generation == generation, "frame of %u where %u should be",
		      f->generation, generation);
		victim_expect(v, "frame", f->words, FRAME_BYTES, generation);
	}
	CHECK(v, generation + 1 == 0, "%u frames are missing", generation + 1);
	CHECK(v, grow_further(v) == 1, "deep frame");
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	struct frame frame = { .above = s->top, .generation = v->generation };
	char name[40];

	victim_fill(frame.words, FRAME_BYTES, v->generation);
	s->top = &frame;
	if (v->generation == 0)
		victim_serve(v, change, verify, state);
	/* The answer that victim_obey() will never come back to give. */
	snprintf(name, sizeof(name), "answer.%lld", (long long)v->seq);
	victim_post(v, name, "DONE");
	for (;;) {
		victim_sleep_ms(10);
		victim_poll(v, change, verify, state);
	}
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { 0 };

	victim_start(&v, argc, argv);
	grow_further(&v);
	change(&v, &s);
}
