// SPDX-License-Identifier: Apache-2.0
/*
 * Borders between mappings are visible: mremap(2) does not grow what is two of them.
 * In even generations the area is one mapping and must be one again; in odd ones it is
 * two that look alike and that the kernel cannot join, since each got its pages by
 * itself. That these may come back as one does no harm.
 */
#include "victim.h"
#include <sys/mman.h>

enum {
	UNIT = 8 * VICTIM_PAGE,
	FLAGS = MAP_PRIVATE | MAP_ANONYMOUS,
	PROT = PROT_READ | PROT_WRITE,
};

struct state {
	char *at;
};

static bool fresh(char *at, size_t bytes)
{
	return mmap(at, bytes, PROT, FLAGS | MAP_FIXED, -1, 0) == at;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	char *aside = s->at + 8 * UNIT;

	munmap(s->at, 2 * UNIT);
	if (v->generation % 2 == 0) {
		CHECK(v, fresh(s->at, 2 * UNIT), "mmap: %s", strerror(errno));
	} else {
		CHECK(v, fresh(s->at, UNIT) && fresh(aside, UNIT), "mmap: %s", strerror(errno));
		victim_fill(s->at, UNIT, 77);
		victim_fill(aside, UNIT, 77);
		CHECK(v, mremap(aside, UNIT, UNIT, MREMAP_MAYMOVE | MREMAP_FIXED, s->at + UNIT) ==
			 s->at + UNIT, "mremap: %s", strerror(errno));
	}
	victim_fill(s->at, 2 * UNIT, v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	bool grown = mremap(s->at, 2 * UNIT, 3 * UNIT, 0) == s->at;

	CHECK(v, grown || v->generation % 2, "the area is two mappings");
	if (grown)
		CHECK(v, mremap(s->at, 3 * UNIT, 2 * UNIT, 0) == s->at, "shrink: %s",
		      strerror(errno));
	victim_expect(v, "contents", s->at, 2 * UNIT, v->generation);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	char *room;

	victim_start(&v, argc, argv);
	room = mmap(NULL, 32 * UNIT, PROT_NONE, FLAGS, -1, 0);
	NEED(&v, room != MAP_FAILED && munmap(room, 32 * UNIT) == 0);
	s.at = room + UNIT;
	change(&v, &s);
	NEED(&v, !v.failed);
	victim_serve(&v, change, verify, &s);
}
