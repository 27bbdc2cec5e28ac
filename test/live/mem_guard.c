// SPDX-License-Identifier: Apache-2.0
/* Protections: guards without access over data that is still there, read-only pages,
 * and code that was written at run time. */
#include "victim.h"
#include "smaps.h"
#include <sys/mman.h>

enum { BYTES = 4 * VICTIM_PAGE };

struct state {
	char *area; /* guard, data, guard with data beneath, read-only */
	unsigned (*code)(void);
};

/* mov eax, imm32; ret */
static void write_code(struct state *s, unsigned value)
{
	unsigned char text[] = { 0xb8, 0, 0, 0, 0, 0xc3 };
	void *page = (void *)(uintptr_t)s->code;

	memcpy(text + 1, &value, 4);
	mprotect(page, VICTIM_PAGE, PROT_READ | PROT_WRITE);
	memcpy(page, text, sizeof(text));
	mprotect(page, VICTIM_PAGE, PROT_READ | PROT_EXEC);
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	char *data = s->area + BYTES;

	mprotect(data, 3 * BYTES, PROT_READ | PROT_WRITE);
	victim_fill(data, 3 * BYTES, v->generation);
	/* Which of the last two is the guard changes with the generation. */
	mprotect(data + BYTES * (1 + v->generation % 2), BYTES, PROT_NONE);
	mprotect(data + BYTES * (2 - v->generation % 2), BYTES, PROT_READ);
	write_code(s, 4711 + v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	char *data = s->area + BYTES;
	char *hidden = data + BYTES * (1 + v->generation % 2);
	char *fixed = data + BYTES * (2 - v->generation % 2);

	CHECK(v, !smaps_readable(s->area), "the pure guard can be read");
	CHECK(v, !smaps_readable(hidden), "the guard over data can be read");
	CHECK(v, smaps_readable(fixed) && !smaps_writable(fixed), "read-only memory is not");
	CHECK(v, s->code() == 4711 + v->generation, "the code returns %u", s->code());
	mprotect(hidden, BYTES, PROT_READ);
	victim_expect(v, "data beside and beneath guards", data, 3 * BYTES, v->generation);
	mprotect(hidden, BYTES, PROT_NONE);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	void *page;

	victim_start(&v, argc, argv);
	s.area = mmap(NULL, 4 * BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	page = mmap(NULL, VICTIM_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(&v, s.area != MAP_FAILED && page != MAP_FAILED);
	s.code = (unsigned (*)(void))(uintptr_t)page;
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}
