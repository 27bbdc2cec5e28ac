// SPDX-License-Identifier: Apache-2.0
/*
 * Mappings that grow, shrink and move by mremap(2) between the generations: trackers
 * do not follow a move, and the old place is used by something else.
 */
#include "victim.h"
#include "smaps.h"
#include <sys/mman.h>

enum {
	UNIT = 16 * VICTIM_PAGE,
	PLACES = 8,
};

struct state {
	char *base;    /* places for the moving one, 4 units apart */
	char *growing; /* room for 8 units */
};

static char *place(struct state *s, unsigned generation)
{
	return s->base + generation % PLACES * 4 * UNIT;
}

static size_t grown(unsigned generation)
{
	return (generation % 2 ? 6 : 2) * UNIT;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	char *from = place(s, v->generation - 1), *to = place(s, v->generation);
	size_t old = grown(v->generation - 1), new = grown(v->generation);

	CHECK(v, mremap(from, UNIT, UNIT, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to, "move: %s",
	      strerror(errno));
	/* Half of what moved is not written again. */
	victim_fill(to, UNIT / 2, v->generation);
	/* Other memory where it was, with half of it written. */
	CHECK(v, mmap(from, UNIT, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == from, "mmap");
	victim_fill(from, UNIT / 2, 1000 + v->generation);
	CHECK(v, mremap(s->growing, old, new, 0) == s->growing, "grow: %s", strerror(errno));
	if (new > old)
		victim_fill(s->growing + old, new - old, v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	char *at = place(s, v->generation);
	size_t size = grown(v->generation);

	victim_expect(v, "moved, written half", at, UNIT / 2, v->generation);
	victim_expect(v, "moved, other half", at + UNIT / 2, UNIT / 2, 500);
	if (v->generation) {
		char *before = place(s, v->generation - 1);

		victim_expect(v, "the old place", before, UNIT / 2, 1000 + v->generation);
		for (size_t i = UNIT / 2; i < UNIT; i++)
			CHECK(v, !before[i], "the old place is not zero at %zu", i);
	}
	CHECK(v, !smaps_readable(place(s, v->generation + 1)), "memory at a future place");
	victim_expect(v, "growing, first part", s->growing, 2 * UNIT, 0);
	if (v->generation % 2)
		victim_expect(v, "growing, new part", s->growing + 2 * UNIT, 4 * UNIT,
			      v->generation);
	CHECK(v, !smaps_readable(s->growing + size), "memory beyond the end");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	victim_start(&v, argc, argv);
	s.base = mmap(NULL, 64 * UNIT, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(&v, s.base != MAP_FAILED && munmap(s.base, 64 * UNIT) == 0);
	s.growing = s.base + 40 * UNIT;
	NEED(&v, mmap(s.base, UNIT, PROT_READ | PROT_WRITE, flags, -1, 0) == s.base);
	NEED(&v, mmap(s.growing, 2 * UNIT, PROT_READ | PROT_WRITE, flags, -1, 0) == s.growing);
	victim_fill(s.base, UNIT / 2, 0);
	victim_fill(s.base + UNIT / 2, UNIT / 2, 500);
	victim_fill(s.growing, 2 * UNIT, 0);
	victim_serve(&v, change, verify, &s);
}
