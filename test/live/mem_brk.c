// SPDX-License-Identifier: Apache-2.0
/* The heap: sbrk up in odd generations, down again in even ones; malloc goes on. */
#include "victim.h"
#include "smaps.h"
#include <malloc.h>

enum { STEP = 64 * VICTIM_PAGE };

struct state {
	char *base; /* page aligned, above malloc's own heap */
};

static size_t held(const struct victim *v)
{
	return v->generation % 2 ? 3 * STEP : STEP;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	CHECK(v, brk(s->base + held(v)) == 0, "brk: %s", strerror(errno));
	victim_fill(s->base, held(v), v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	char *top = sbrk(0);

	CHECK(v, top == s->base + held(v), "the break is %zd bytes off", top - s->base - held(v));
	victim_expect(v, "heap", s->base, held(v), v->generation);
	CHECK(v, !smaps_readable(top), "memory beyond the break");
	/* It must still be able to move, both ways. */
	CHECK(v, sbrk(STEP) == top, "sbrk up: %s", strerror(errno));
	memset(top, 0x5a, STEP);
	CHECK(v, sbrk(-STEP) == top + STEP && sbrk(0) == top, "sbrk down: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	uintptr_t top;

	victim_start(&v, argc, argv);
	/* malloc must not move the break while we do. */
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	mallopt(M_TOP_PAD, 1 << 20);
	free(malloc(100000));
	top = (uintptr_t)sbrk(0);
	s.base = (char *)((top + VICTIM_PAGE - 1) & ~(uintptr_t)(VICTIM_PAGE - 1));
	change(&v, &s);
	NEED(&v, !v.failed);
	victim_serve(&v, change, verify, &s);
}
