// SPDX-License-Identifier: Apache-2.0
/* A pipe with queued data and a size of its own; each generation queues more. */
#include "victim.h"
#include <fcntl.h>
#include <sys/ioctl.h>

enum {
	PART = 1000,
	SIZE = 128 * 1024,
};

struct state {
	int ends[2];
	int only_reader; /* its writer is closed: queued data, then the end */
};

static void put(struct victim *v, struct state *s, unsigned number)
{
	char part[PART];

	victim_fill(part, PART, number);
	CHECK(v, write(s->ends[1], part, PART) == PART, "write: %s", strerror(errno));
}

static void change(struct victim *v, void *state)
{
	put(v, state, v->generation);
}

/* Takes everything out, checks it and puts it back. */
static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	char part[PART];
	long bad = -1;
	int queued = -1;

	CHECK(v, fcntl(s->ends[0], F_GETPIPE_SZ) == SIZE, "size is %d",
	      fcntl(s->ends[0], F_GETPIPE_SZ));
	for (unsigned i = 0; i <= v->generation; i++) {
		CHECK(v, read(s->ends[0], part, PART) == PART, "part %u: %s", i, strerror(errno));
		if (bad < 0)
			bad = victim_differs(part, PART, i);
	}
	CHECK(v, bad < 0, "contents differ at %ld", bad);
	CHECK(v, read(s->ends[0], part, PART) < 0 && errno == EAGAIN, "more than was written");
	for (unsigned i = 0; i <= v->generation; i++)
		put(v, s, i);
	CHECK(v, (fcntl(s->ends[1], F_GETFL) & (O_ACCMODE | O_NONBLOCK)) == O_WRONLY,
	      "the writer's flags");
	CHECK(v, ioctl(s->only_reader, FIONREAD, &queued) == 0 && queued == 6,
	      "%d bytes before the end", queued);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	int lonely[2];

	victim_start(&v, argc, argv);
	NEED(&v, pipe(s.ends) == 0 && pipe(lonely) == 0);
	NEED(&v, fcntl(s.ends[1], F_SETPIPE_SZ, SIZE) == SIZE);
	NEED(&v, fcntl(s.ends[0], F_SETFL, O_NONBLOCK) == 0);
	NEED(&v, write(lonely[1], "queued", 6) == 6);
	close(lonely[1]);
	s.only_reader = lonely[0];
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}
