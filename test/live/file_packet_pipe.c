// SPDX-License-Identifier: Apache-2.0
/* A pipe in packet mode (O_DIRECT): the borders between the packets must last. */
#include "victim.h"
#include <fcntl.h>

enum { PACKETS = 5 };

struct state {
	int ends[2];
};

static size_t length(unsigned packet, unsigned generation)
{
	return 8 * (1 + packet * 3 + generation);
}

static void fill(struct victim *v, struct state *s)
{
	char bytes[VICTIM_PAGE];

	for (unsigned i = 0; i < PACKETS; i++) {
		size_t len = length(i, v->generation);

		victim_fill(bytes, len, i + v->generation);
		CHECK(v, write(s->ends[1], bytes, len) == (ssize_t)len, "write: %s",
		      strerror(errno));
	}
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	char bytes[VICTIM_PAGE];

	while (read(s->ends[0], bytes, sizeof(bytes)) > 0)
		;
	fill(v, s);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	char bytes[VICTIM_PAGE];

	CHECK(v, fcntl(s->ends[1], F_GETFL) & O_DIRECT, "the writer's O_DIRECT is lost");
	for (unsigned i = 0; i < PACKETS; i++) {
		ssize_t got = read(s->ends[0], bytes, sizeof(bytes));

		CHECK(v, got == (ssize_t)length(i, v->generation), "packet %u has %zd bytes", i,
		      got);
		victim_expect(v, "packet", bytes, (size_t)got, i + v->generation);
	}
	CHECK(v, read(s->ends[0], bytes, 1) < 0 && errno == EAGAIN, "more packets than written");
	fill(v, s);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	NEED(&v, pipe2(s.ends, O_DIRECT | O_NONBLOCK) == 0);
	fill(&v, &s);
	victim_serve(&v, change, verify, &s);
}
