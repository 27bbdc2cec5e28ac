// SPDX-License-Identifier: Apache-2.0
/* Shared anonymous memory, mapped twice: both views must stay one memory. */
#include "victim.h"
#include <sys/mman.h>

enum { BYTES = 64 * VICTIM_PAGE };

struct state {
	char *first, *second; /* the same object; `second` begins at its page 16 */
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	victim_fill(s->first, BYTES, v->generation);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	victim_expect(v, "first view", s->first, BYTES, v->generation);
	CHECK(v, memcmp(s->first + 16 * VICTIM_PAGE, s->second, 16 * VICTIM_PAGE) == 0,
	      "the second view differs");
	s->second[100] ^= 0x55;
	CHECK(v, memcmp(s->first + 16 * VICTIM_PAGE, s->second, 16 * VICTIM_PAGE) == 0,
	      "what is written to one view does not show in the other");
	s->second[100] ^= 0x55;
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	s.first = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(&v, s.first != MAP_FAILED);
	/* An old size of 0 makes another mapping of the same object, mremap(2). */
	s.second = mremap(s.first + 16 * VICTIM_PAGE, 0, 16 * VICTIM_PAGE, MREMAP_MAYMOVE);
	NEED(&v, s.second != MAP_FAILED);
	victim_fill(s.first, BYTES, 0);
	victim_serve(&v, change, verify, &s);
}
