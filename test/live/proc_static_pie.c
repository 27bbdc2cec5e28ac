// SPDX-License-Identifier: Apache-2.0
// cflags: -static-pie (relocates itself: no dynamic linker, no fixed addresses)
/* A static program at random addresses, which has to come back to the same ones. */
#include "victim.h"

static const char constant[] = "constant";

struct state {
	const void *addresses[4];
	uint64_t words[512];
};

static void look(const void *addresses[4], const void *heap)
{
	addresses[0] = (const void *)(uintptr_t)look;
	addresses[1] = constant;
	addresses[2] = heap;
	addresses[3] = (const void *)(uintptr_t)&environ;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	victim_fill(s->words, sizeof(s->words), v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	const void *now[4];

	look(now, s);
	CHECK(v, memcmp(now, s->addresses, sizeof(now)) == 0, "addresses have changed");
	CHECK(v, getenv("PATH"), "no environment");
	victim_expect(v, "heap", s->words, sizeof(s->words), v->generation);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state *s = calloc(1, sizeof(*s));

	victim_start(&v, argc, argv);
	look(s->addresses, s);
	change(&v, s);
	victim_serve(&v, change, verify, s);
}
