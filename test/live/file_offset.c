// SPDX-License-Identifier: Apache-2.0
/* Regular files: offsets, access modes and the flags fcntl(2) can change. */
#include "victim.h"
#include <fcntl.h>

struct state {
	int reader, appender, changing;
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	lseek(s->reader, 1000 + v->generation, SEEK_SET);
	lseek(s->changing, 1LL << 33 | v->generation, SEEK_SET);
	CHECK(v, fcntl(s->changing, F_SETFL, v->generation % 2 ? O_APPEND | O_NONBLOCK : 0) == 0,
	      "F_SETFL: %s", strerror(errno));
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	int mask = O_ACCMODE | O_APPEND | O_NONBLOCK;
	char byte;

	CHECK(v, lseek(s->reader, 0, SEEK_CUR) == 1000 + v->generation, "reader's offset is %lld",
	      (long long)lseek(s->reader, 0, SEEK_CUR));
	CHECK(v, lseek(s->changing, 0, SEEK_CUR) == (1LL << 33 | v->generation),
	      "offset beyond 4 GiB is %lld", (long long)lseek(s->changing, 0, SEEK_CUR));
	CHECK(v, (fcntl(s->reader, F_GETFL) & mask) == O_RDONLY, "reader's flags");
	CHECK(v, (fcntl(s->appender, F_GETFL) & mask) == (O_WRONLY | O_APPEND), "appender's flags");
	CHECK(v, (fcntl(s->changing, F_GETFL) & mask) ==
		 (O_RDWR | (v->generation % 2 ? O_APPEND | O_NONBLOCK : 0)), "changing flags");
	CHECK(v, write(s->reader, "x", 1) < 0 && errno == EBADF, "a reader that can write");
	CHECK(v, pread(s->reader, &byte, 1, 1) == 1 && byte == 'b', "contents");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	s.appender = open("file", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0640);
	NEED(&v, s.appender >= 0 && write(s.appender, "abc", 3) == 3);
	s.reader = open("file", O_RDONLY);
	s.changing = open("file", O_RDWR);
	NEED(&v, s.reader >= 0 && s.changing >= 0);
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}
