// SPDX-License-Identifier: Apache-2.0
/*
 * Pages given back by MADV_DONTNEED between the generations: each third of the pages
 * is empty in one of three generations, in anonymous and private file memory.
 */
#include "victim.h"
#include <fcntl.h>
#include <sys/mman.h>

enum { PAGES = 96 };

struct state {
	char *anon, *file; /* `file`: private, zero in the file */
};

static bool empty(size_t page, unsigned generation)
{
	return page % 3 == generation % 3;
}

static void set(struct victim *v, char *at, unsigned seed)
{
	for (size_t i = 0; i < PAGES; i++, at += VICTIM_PAGE) {
		if (!empty(i, v->generation))
			victim_fill(at, VICTIM_PAGE, seed + i + v->generation);
		else
			CHECK(v, madvise(at, VICTIM_PAGE, MADV_DONTNEED) == 0, "madvise");
	}
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	set(v, s->anon, 100);
	set(v, s->file, 300);
}

static void check(struct victim *v, const char *what, const char *at, unsigned seed)
{
	static const char zero[VICTIM_PAGE];

	for (size_t i = 0; i < PAGES; i++, at += VICTIM_PAGE) {
		if (!empty(i, v->generation))
			victim_expect(v, what, at, VICTIM_PAGE, seed + i + v->generation);
		else
			CHECK(v, memcmp(at, zero, VICTIM_PAGE) == 0, "%s: page %zu is not empty",
			      what, i);
	}
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	check(v, "anonymous", s->anon, 100);
	check(v, "private file", s->file, 300);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	int fd;

	victim_start(&v, argc, argv);
	fd = open("zero", O_RDWR | O_CREAT | O_TRUNC, 0600);
	NEED(&v, fd >= 0 && ftruncate(fd, PAGES * VICTIM_PAGE) == 0);
	s.anon = mmap(NULL, PAGES * VICTIM_PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	s.file = mmap(NULL, PAGES * VICTIM_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	NEED(&v, s.anon != MAP_FAILED && s.file != MAP_FAILED);
	close(fd);
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}
