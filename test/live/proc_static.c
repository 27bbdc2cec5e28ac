// SPDX-License-Identifier: Apache-2.0
// cflags: -static -fno-pie (another layout: no dynamic linker, fixed addresses)
/* A static program at fixed addresses: data, bss and heap where the linker put them. */
#include "victim.h"

enum { WORDS = 4096 };

/* File scope on purpose: this is about .data and .bss. */
static uint64_t in_data[WORDS] = { 1 };
static uint64_t in_bss[WORDS];

struct state {
	uint64_t *heap;
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	victim_fill(in_data, sizeof(in_data), v->generation);
	victim_fill(in_bss, sizeof(in_bss), v->generation + 1);
	s->heap = realloc(s->heap, (v->generation + 1) * 200000);
	CHECK(v, s->heap, "no memory");
	victim_fill(s->heap, (v->generation + 1) * 200000, v->generation + 2);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	victim_expect(v, "data", in_data, sizeof(in_data), v->generation);
	victim_expect(v, "bss", in_bss, sizeof(in_bss), v->generation + 1);
	victim_expect(v, "heap", s->heap, (v->generation + 1) * 200000, v->generation + 2);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { 0 };

	victim_start(&v, argc, argv);
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}
