// SPDX-License-Identifier: Apache-2.0
/* A private file mapping: written pages are ours, the others stay the file's. */
#include "victim.h"
#include <fcntl.h>
#include <sys/mman.h>

enum { PAGES = 32 };

struct state {
	char *map;
};

/* Odd pages are written by us, the even ones never. */
static void change(struct victim *v, void *state)
{
	struct state *s = state;

	for (size_t page = 1; page < PAGES; page += 2)
		victim_fill(s->map + page * VICTIM_PAGE, VICTIM_PAGE, 1000 + page + v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	char now[VICTIM_PAGE];
	int fd = open("mapped", O_RDONLY);

	CHECK(v, fd >= 0, "open: %s", strerror(errno));
	for (size_t page = 0; page < PAGES; page++) {
		victim_expect(v, page % 2 ? "written page" : "file's page",
			      s->map + page * VICTIM_PAGE, VICTIM_PAGE,
			      page % 2 ? 1000 + page + v->generation : page);
		if (pread(fd, now, VICTIM_PAGE, (off_t)(page * VICTIM_PAGE)) != VICTIM_PAGE)
			victim_fail(v, "read the file: %s", strerror(errno));
		victim_expect(v, "the file itself", now, VICTIM_PAGE, page);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	char page[VICTIM_PAGE];
	int fd;

	victim_start(&v, argc, argv);
	fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0644);
	NEED(&v, fd >= 0);
	for (size_t i = 0; i < PAGES; i++) {
		victim_fill(page, sizeof(page), i);
		NEED(&v, write(fd, page, sizeof(page)) == VICTIM_PAGE);
	}
	s.map = mmap(NULL, PAGES * VICTIM_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	NEED(&v, s.map != MAP_FAILED);
	close(fd);
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}
