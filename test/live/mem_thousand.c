// SPDX-License-Identifier: Apache-2.0
/* A thousand mappings, neighbours differing in protection so that none join; in every
 * generation another tenth of them is not there. */
#include "victim.h"
#include "smaps.h"
#include <sys/mman.h>

enum {
	COUNT = 1000,
	BYTES = 2 * VICTIM_PAGE,
};

struct state {
	char *base;
};

static bool missing(size_t number, unsigned generation)
{
	return number % 10 == generation % 10;
}

static void map_one(struct victim *v, struct state *s, size_t number)
{
	char *at = s->base + number * BYTES;

	CHECK(v, mmap(at, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		      -1, 0) == at, "mmap %zu: %s", number, strerror(errno));
	victim_fill(at, VICTIM_PAGE, number);
	if (number % 2)
		mprotect(at, BYTES, PROT_READ);
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	for (size_t i = 0; i < COUNT; i++) {
		if (missing(i, v->generation))
			munmap(s->base + i * BYTES, BYTES);
		else if (v->generation == 0 || missing(i, v->generation - 1))
			map_one(v, s, i);
	}
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	for (size_t i = 0; i < COUNT; i++) {
		char *at = s->base + i * BYTES;

		CHECK(v, smaps_readable(at) == !missing(i, v->generation), "mapping %zu is %s", i,
		      missing(i, v->generation) ? "there" : "missing");
		if (missing(i, v->generation))
			continue;
		victim_expect(v, "contents", at, VICTIM_PAGE, i);
		CHECK(v, smaps_writable(at + VICTIM_PAGE) == (i % 2 == 0),
		      "protection of mapping %zu", i);
	}
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	s.base = mmap(NULL, COUNT * BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(&v, s.base != MAP_FAILED);
	change(&v, &s);
	NEED(&v, !v.failed);
	victim_serve(&v, change, verify, &s);
}
