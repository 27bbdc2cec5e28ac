// SPDX-License-Identifier: Apache-2.0
/* One memfd mapped twice, writable here and executable there; its descriptor closed. */
#include "victim.h"
#include <sys/mman.h>

struct state {
	unsigned char *writable;
	unsigned (*code)(void);
};

/* mov eax, imm32; ret */
static void write_code(struct state *s, unsigned value)
{
	s->writable[0] = 0xb8;
	memcpy(s->writable + 1, &value, 4);
	s->writable[5] = 0xc3;
}

static void change(struct victim *v, void *state)
{
	write_code(state, 100 + v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	CHECK(v, s->code() == 100 + v->generation, "the code returns %u", s->code());
	write_code(s, 9999);
	CHECK(v, s->code() == 9999, "the two views are not one memory");
	write_code(s, 100 + v->generation);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	void *view;
	int fd;

	victim_start(&v, argc, argv);
	fd = memfd_create("code", MFD_CLOEXEC);
	NEED(&v, fd >= 0 && ftruncate(fd, 2 * VICTIM_PAGE) == 0);
	s.writable = mmap(NULL, VICTIM_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, VICTIM_PAGE);
	view = mmap(NULL, 2 * VICTIM_PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	NEED(&v, s.writable != MAP_FAILED && view != MAP_FAILED);
	s.code = (unsigned (*)(void))((uintptr_t)view + VICTIM_PAGE);
	close(fd);
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}
