// SPDX-License-Identifier: Apache-2.0
/* Transparent huge pages, a few of them written to, one split by a protection. */
#include "victim.h"
#include <sys/mman.h>

enum {
	HUGE = 2 << 20,
	COUNT = 8,
};

struct state {
	char *base;
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	/* One page of every second huge page. */
	for (size_t i = 0; i < COUNT; i += 2)
		victim_fill(s->base + i * HUGE + 17 * VICTIM_PAGE, VICTIM_PAGE,
			    100 + v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	for (size_t i = 0; i < COUNT; i++) {
		char *at = s->base + i * HUGE;
		size_t rest = 18 * VICTIM_PAGE;

		victim_expect(v, "head of a huge page", at, 17 * VICTIM_PAGE, i);
		if (i % 2 == 0)
			victim_expect(v, "changed page", at + 17 * VICTIM_PAGE, VICTIM_PAGE,
				      100 + v->generation);
		victim_expect(v, "tail of a huge page", at + rest, HUGE - rest, i + 50);
	}
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	char *map;

	victim_start(&v, argc, argv);
	map = mmap(NULL, (COUNT + 1) * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		   -1, 0);
	NEED(&v, map != MAP_FAILED);
	s.base = (char *)(((uintptr_t)map + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
	if (madvise(s.base, COUNT * HUGE, MADV_HUGEPAGE) < 0)
		victim_skip(&v, "no transparent huge pages: %s", strerror(errno));
	for (size_t i = 0; i < COUNT; i++) {
		victim_fill(s.base + i * HUGE, 18 * VICTIM_PAGE, i);
		victim_fill(s.base + i * HUGE + 18 * VICTIM_PAGE, HUGE - 18 * VICTIM_PAGE, i + 50);
	}
	NEED(&v, mprotect(s.base + HUGE, VICTIM_PAGE, PROT_READ) == 0);
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}
