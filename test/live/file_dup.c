// SPDX-License-Identifier: Apache-2.0
/* dup(2) shares offset and flags, opening twice does not: which is which must last. */
#include "victim.h"
#include <fcntl.h>

struct state {
	int first, copy, high, separate;
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	lseek(s->first, 100 + v->generation, SEEK_SET);
	lseek(s->separate, 100 + v->generation, SEEK_SET); /* equal, and still not shared */
	/* In odd generations the roles of `high` are swapped. */
	CHECK(v, dup3(v->generation % 2 ? s->separate : s->first, s->high, O_CLOEXEC) == s->high,
	      "dup3: %s", strerror(errno));
}

static off_t at(int fd)
{
	return lseek(fd, 0, SEEK_CUR);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	int with = v->generation % 2 ? s->separate : s->first;

	CHECK(v, at(s->first) == 100 + v->generation, "offset is %lld", (long long)at(s->first));
	CHECK(v, at(s->separate) == 100 + v->generation, "offset of the second file");
	lseek(s->copy, 5, SEEK_SET);
	CHECK(v, at(s->first) == 5, "a copy does not share the offset any more");
	CHECK(v, at(s->separate) == 100 + v->generation, "two opens share an offset");
	lseek(s->high, 7, SEEK_SET);
	CHECK(v, at(with) == 7, "the high copy is of the wrong file");
	CHECK(v, fcntl(s->copy, F_SETFL, O_NONBLOCK) == 0 &&
		 fcntl(s->first, F_GETFL) & O_NONBLOCK, "flags are not shared");
	CHECK(v, !(fcntl(s->separate, F_GETFL) & O_NONBLOCK), "flags of two opens are shared");
	CHECK(v, fcntl(s->high, F_GETFD) == FD_CLOEXEC && fcntl(s->copy, F_GETFD) == 0, "cloexec");
	fcntl(s->copy, F_SETFL, 0);
	lseek(s->first, 100 + v->generation, SEEK_SET);
	lseek(s->separate, 100 + v->generation, SEEK_SET);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { .high = 77 };

	victim_start(&v, argc, argv);
	s.first = open("file", O_RDWR | O_CREAT, 0600);
	s.separate = open("file", O_RDWR);
	s.copy = dup(s.first);
	NEED(&v, s.first >= 0 && s.separate >= 0 && s.copy >= 0);
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}
