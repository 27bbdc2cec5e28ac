// SPDX-License-Identifier: Apache-2.0
/* MAP_HUGETLB: pages of the reserved pool, one of them untouched. */
#include "victim.h"
#include <sys/mman.h>

enum {
	HUGE = 2 << 20,
	COUNT = 3,
};

struct state {
	char *map;
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	victim_fill(s->map + HUGE, HUGE, v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	unsigned char in_core = 1;

	victim_expect(v, "constant huge page", s->map, HUGE, 99);
	victim_expect(v, "changing huge page", s->map + HUGE, HUGE, v->generation);
	CHECK(v, mincore(s->map + 2 * HUGE, VICTIM_PAGE, &in_core) == 0 && !(in_core & 1),
	      "the untouched huge page was touched");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	s.map = mmap(NULL, COUNT * HUGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (s.map == MAP_FAILED)
		victim_skip(&v, "no huge pages are reserved (vm.nr_hugepages): %s",
			    strerror(errno));
	victim_fill(s.map, HUGE, 99);
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}
