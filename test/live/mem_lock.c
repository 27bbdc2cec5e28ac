// SPDX-License-Identifier: Apache-2.0
/* Locked memory: mlock, mlock2(MLOCK_ONFAULT) and munlock between the generations. */
#include "victim.h"
#include "smaps.h"
#include <sys/mman.h>

enum { BYTES = 8 * VICTIM_PAGE };

struct state {
	char *always, *on_fault, *changing, *never;
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	int done = v->generation % 2 ? mlock(s->changing, BYTES) : munlock(s->changing, BYTES);

	CHECK(v, done == 0, "mlock or munlock: %s", strerror(errno));
	victim_fill(s->always, BYTES, v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	unsigned char in_core[BYTES / VICTIM_PAGE];

	CHECK(v, smaps_flag(s->always, " lo") == 1, "mlock is lost");
	CHECK(v, smaps_flag(s->on_fault, " lo") == 1, "mlock2 is lost");
	CHECK(v, mincore(s->on_fault, BYTES, in_core) == 0 && !(in_core[7] & 1),
	      "MLOCK_ONFAULT became a full lock");
	CHECK(v, smaps_flag(s->never, " lo") == 0, "locked what never was");
	CHECK(v, smaps_flag(s->changing, " lo") == (int)(v->generation % 2), "locked by mistake");
	victim_expect(v, "locked memory", s->always, BYTES, v->generation);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	char **each[] = { &s.always, &s.on_fault, &s.changing, &s.never };

	victim_start(&v, argc, argv);
	for (int i = 0; i < 4; i++) {
		char *gap = mmap(NULL, BYTES + VICTIM_PAGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		NEED(&v, gap != MAP_FAILED && munmap(gap + BYTES, VICTIM_PAGE) == 0);
		*each[i] = gap;
	}
	NEED(&v, mlock(s.always, BYTES) == 0);
	if (mlock2(s.on_fault, BYTES, MLOCK_ONFAULT) < 0)
		victim_skip(&v, "mlock2: %s", strerror(errno));
	victim_fill(s.changing, BYTES, 3);
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}
