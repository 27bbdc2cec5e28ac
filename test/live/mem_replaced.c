// SPDX-License-Identifier: Apache-2.0
/*
 * One place, another kind of memory in every generation: anonymous, nothing, a file,
 * a memfd. Going back must unmap and map again, with the contents of then.
 */
#include "victim.h"
#include "smaps.h"
#include <sys/mman.h>

enum { BYTES = 8 * VICTIM_PAGE };

struct state {
	char *at;
	int file, memfd;
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, fd = -1;

	CHECK(v, munmap(s->at, BYTES) == 0, "munmap: %s", strerror(errno));
	if (v->generation % 4 == 1)
		return;
	if (v->generation % 4 == 2)
		flags = MAP_PRIVATE | MAP_FIXED, fd = s->file;
	if (v->generation % 4 == 3)
		flags = MAP_SHARED | MAP_FIXED, fd = s->memfd;
	CHECK(v, mmap(s->at, BYTES, PROT_READ | PROT_WRITE, flags, fd, 0) == s->at, "mmap: %s",
	      strerror(errno));
	victim_fill(s->at, BYTES / 2, v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	bool mapped = v->generation % 4 != 1;

	CHECK(v, smaps_readable(s->at) == mapped, "%s mapped", mapped ? "not" : "still");
	if (!mapped)
		return;
	victim_expect(v, "first half", s->at, BYTES / 2, v->generation);
	if (v->generation % 4 == 0)
		CHECK(v, !s->at[BYTES - 1], "the second half is not empty");
	if (v->generation % 4 == 2)
		CHECK(v, s->at[BYTES - 1] == 'f', "the second half is not the file's");
	if (v->generation % 4 == 3)
		CHECK(v, s->at[BYTES - 1] == 'm', "the second half is not the memfd's");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	char bytes[BYTES];

	victim_start(&v, argc, argv);
	s.file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	s.memfd = memfd_create("replaced", MFD_CLOEXEC);
	memset(bytes, 'f', BYTES);
	NEED(&v, write(s.file, bytes, BYTES) == BYTES);
	memset(bytes, 'm', BYTES);
	NEED(&v, write(s.memfd, bytes, BYTES) == BYTES);
	s.at = mmap(NULL, BYTES + 2 * VICTIM_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(&v, s.at != MAP_FAILED);
	s.at += VICTIM_PAGE;
	change(&v, &s);
	NEED(&v, !v.failed);
	victim_serve(&v, change, verify, &s);
}
