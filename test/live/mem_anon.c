// SPDX-License-Identifier: Apache-2.0
/* Private anonymous memory: dense, scattered, never touched, all zero. */
#include "victim.h"
#include <sys/mman.h>

enum {
	PAGES = 1024,
	SCATTER = 37, /* every 37th page of the second mapping is touched */
};

struct state {
	char *dense, *scattered, *untouched, *zero;
};

static void paint(struct state *s, unsigned generation)
{
	/* The first quarter never changes: it must come from an older snapshot. */
	if (generation == 0)
		victim_fill(s->dense, PAGES / 4 * VICTIM_PAGE, 0);
	victim_fill(s->dense + PAGES / 4 * VICTIM_PAGE, PAGES * 3 / 4 * VICTIM_PAGE, generation);
	for (size_t page = 0; page < PAGES; page += SCATTER)
		victim_fill(s->scattered + page * VICTIM_PAGE, VICTIM_PAGE, page + generation);
}

static void change(struct victim *v, void *state)
{
	paint(state, v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	victim_expect(v, "dense, constant part", s->dense, PAGES / 4 * VICTIM_PAGE, 0);
	victim_expect(v, "dense, changing part", s->dense + PAGES / 4 * VICTIM_PAGE,
		      PAGES * 3 / 4 * VICTIM_PAGE, v->generation);
	for (size_t page = 0; page < PAGES; page += SCATTER)
		victim_expect(v, "scattered", s->scattered + page * VICTIM_PAGE, VICTIM_PAGE,
			      page + v->generation);
	for (size_t i = 0; i < PAGES * VICTIM_PAGE; i++)
		CHECK(v, !s->zero[i], "zeroed page has a byte at %zu", i);
	for (size_t page = 0; page < PAGES; page += 100)
		CHECK(v, !s->untouched[page * VICTIM_PAGE], "untouched page %zu", page);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	char *at;

	victim_start(&v, argc, argv);
	at = mmap(NULL, 4 * PAGES * VICTIM_PAGE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(&v, at != MAP_FAILED);
	s = (struct state){ at, at + PAGES * VICTIM_PAGE, at + 2 * PAGES * VICTIM_PAGE,
			    at + 3 * PAGES * VICTIM_PAGE };
	memset(s.zero, 0, PAGES * VICTIM_PAGE);
	paint(&s, 0);
	victim_serve(&v, change, verify, &s);
}
