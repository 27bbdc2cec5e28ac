// SPDX-License-Identifier: Apache-2.0
// at-once: yes (this is what it is about)
/*
 * Large memory that is forked, moved, emptied, cut and protected the moment it is looked at: a
 * lazy restore has brought little of it by then, and must notice what becomes of the rest.
 */
#include "victim.h"
#include <sys/mman.h>
#include <sys/wait.h>

enum {
	SIZE = 24 << 20,
	HALF = SIZE / 2,
	REGIONS = 4,
};

struct state {
	char *regions[REGIONS];
	char *elsewhere; /* free addresses */
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	for (unsigned i = 0; i < REGIONS; i++)
		victim_fill(s->regions[i], SIZE, v->generation * REGIONS + i);
}

static void expect_zeros(struct victim *v, const char *what, const char *at, size_t len)
{
	for (size_t i = 0; i < len; i += 512)
		CHECK(v, !at[i], "%s: not zero at %zu", what, i);
}

static void forked(struct victim *v, struct state *s, unsigned seed)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		victim_expect(v, "a child's", s->regions[0], SIZE, seed);
		_exit(v->failed);
	}
	CHECK(v, waitpid(child, &status, 0) == child && status == 0, "the child's memory differs");
}

static void moved(struct victim *v, struct state *s, unsigned seed)
{
	char *at = s->regions[1];

	CHECK(v, mremap(at, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, s->elsewhere) ==
			s->elsewhere, "move: %s", strerror(errno));
	victim_expect(v, "moved", s->elsewhere, SIZE, seed);
	CHECK(v, mremap(s->elsewhere, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, at) == at,
	      "move back: %s", strerror(errno));
	victim_expect(v, "moved back", at, SIZE, seed);
}

static void emptied(struct victim *v, struct state *s, unsigned seed)
{
	char *at = s->regions[2];

	CHECK(v, madvise(at + HALF, HALF, MADV_DONTNEED) == 0, "MADV_DONTNEED");
	expect_zeros(v, "emptied", at + HALF, HALF);
	victim_fill(at, SIZE, seed);
	victim_expect(v, "refilled", at, SIZE, seed);
}

static void cut(struct victim *v, struct state *s, unsigned seed)
{
	char *at = s->regions[3];

	CHECK(v, mprotect(at, HALF / 2, PROT_READ) == 0, "mprotect");
	CHECK(v, munmap(at + HALF, HALF) == 0, "munmap");
	CHECK(v, mmap(at + HALF, HALF, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at + HALF, "mmap");
	expect_zeros(v, "mapped anew", at + HALF, HALF);
	CHECK(v, mprotect(at, HALF / 2, PROT_READ | PROT_WRITE) == 0, "mprotect back");
	victim_fill(at + HALF / 2, HALF + HALF / 2, 7);
	victim_fill(at, SIZE, seed);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	unsigned seed = v->generation * REGIONS;

	forked(v, s, seed);
	moved(v, s, seed + 1);
	emptied(v, s, seed + 2);
	cut(v, s, seed + 3);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	char *room;

	victim_start(&v, argc, argv);
	/* apart from each other and from everything else, so that no two are joined */
	room = mmap(NULL, (REGIONS + 2) * 2L * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(&v, room != MAP_FAILED && munmap(room, (REGIONS + 2) * 2L * SIZE) == 0);
	for (unsigned i = 0; i < REGIONS; i++) {
		s.regions[i] = mmap(room + (2L * i + 1) * SIZE, SIZE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		NEED(&v, s.regions[i] != MAP_FAILED);
	}
	s.elsewhere = room + (2L * REGIONS + 1) * SIZE;
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}
