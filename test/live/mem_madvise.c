// SPDX-License-Identifier: Apache-2.0
/* What madvise(2) leaves in a mapping: one area for each advice, some taken back. Of a process so
 * large flags are not read from smaps where there is another way. */
#include "victim.h"
#include "smaps.h"
#include <sys/mman.h>

enum { BYTES = 16 * VICTIM_PAGE, BULK_BYTES = 136 << 20 };

static const struct {
	int set, clear; /* clear 0: the advice cannot be taken back */
	const char *flag;
} advices[] = {
	{ MADV_DONTDUMP, MADV_DODUMP, " dd" },
	{ MADV_DONTFORK, MADV_DOFORK, " dc" },
	{ MADV_WIPEONFORK, MADV_KEEPONFORK, " wf" },
	{ MADV_HUGEPAGE, 0, " hg" },
	{ MADV_NOHUGEPAGE, 0, " nh" },
	{ MADV_MERGEABLE, MADV_UNMERGEABLE, " mg" },
	{ MADV_SEQUENTIAL, MADV_NORMAL, " sr" },
	{ MADV_RANDOM, MADV_NORMAL, " rr" },
};

enum { ADVICES = sizeof(advices) / sizeof(*advices) };

struct state {
	char *area[ADVICES];
	bool possible[ADVICES];
};

static bool is_set(unsigned number, unsigned generation)
{
	return !advices[number].clear || (generation + number) % 2 == 0;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	for (unsigned i = 0; i < ADVICES; i++) {
		if (!s->possible[i])
			continue;
		CHECK(v, madvise(s->area[i], BYTES, is_set(i, v->generation) ? advices[i].set :
				 advices[i].clear) == 0, "madvise %s: %s", advices[i].flag,
		      strerror(errno));
		victim_fill(s->area[i], BYTES, v->generation + i);
	}
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	for (unsigned i = 0; i < ADVICES; i++) {
		if (!s->possible[i])
			continue;
		CHECK(v, smaps_flag(s->area[i], advices[i].flag) == is_set(i, v->generation),
		      "flag%s is %s", advices[i].flag,
		      is_set(i, v->generation) ? "lost" : "there by mistake");
		victim_expect(v, advices[i].flag, s->area[i], BYTES, v->generation + i);
	}
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	NEED(&v, mmap(NULL, BULK_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) != MAP_FAILED);
	for (unsigned i = 0; i < ADVICES; i++) {
		char *at = mmap(NULL, BYTES + VICTIM_PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		NEED(&v, at != MAP_FAILED && munmap(at + BYTES, VICTIM_PAGE) == 0);
		s.area[i] = at;
		s.possible[i] = madvise(at, BYTES, advices[i].set) == 0; /* KSM, THP: by kernel */
	}
	change(&v, &s);
	NEED(&v, !v.failed);
	victim_serve(&v, change, verify, &s);
}
