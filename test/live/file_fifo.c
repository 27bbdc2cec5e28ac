// SPDX-License-Identifier: Apache-2.0
/* A FIFO by name: both ends open separately, one open for both, queued data. */
#include "victim.h"
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

enum { PART = 512 };

struct state {
	int reader, writer, both;
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	char part[PART];

	victim_fill(part, PART, v->generation);
	CHECK(v, write(s->writer, part, PART) == PART, "write: %s", strerror(errno));
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	char part[PART];
	struct stat st, named;
	long bad = -1;
	unsigned count = v->generation + 1;
	int queued = -1;

	CHECK(v, fstat(s->reader, &st) == 0 && stat("fifo", &named) == 0 &&
		 st.st_ino == named.st_ino && S_ISFIFO(st.st_mode), "not the file's FIFO");
	CHECK(v, ioctl(s->reader, FIONREAD, &queued) == 0 && queued == (int)count * PART,
	      "%d bytes are queued", queued);
	for (unsigned i = 0; i < count; i++) {
		CHECK(v, read(i % 2 ? s->both : s->reader, part, PART) == PART, "part %u: %s", i,
		      strerror(errno));
		if (bad < 0)
			bad = victim_differs(part, PART, i);
		victim_fill(part, PART, i);
		CHECK(v, write(s->both, part, PART) == PART, "write back: %s", strerror(errno));
	}
	CHECK(v, bad < 0, "contents differ at %ld", bad);
	CHECK(v, (fcntl(s->both, F_GETFL) & O_ACCMODE) == O_RDWR &&
		 (fcntl(s->writer, F_GETFL) & (O_ACCMODE | O_NONBLOCK)) == O_WRONLY, "flags");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	NEED(&v, mkfifo("fifo", 0600) == 0);
	s.reader = open("fifo", O_RDONLY | O_NONBLOCK);
	s.writer = open("fifo", O_WRONLY);
	s.both = open("fifo", O_RDWR | O_NONBLOCK);
	NEED(&v, s.reader >= 0 && s.writer >= 0 && s.both >= 0);
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}
