// SPDX-License-Identifier: Apache-2.0
/*
 * Shared anonymous memory in two views, with all that makes tracking it hard: written through one
 * and through the other, by a child, pages removed and read again, a view moved and protected.
 */
#include "victim.h"
#include <sys/mman.h>
#include <sys/wait.h>

enum { PAGES = 64, BYTES = PAGES * VICTIM_PAGE };

struct state {
	char *first, *second, *aside; /* both views are of all of it */
};

static void fill(char *view, unsigned page, unsigned value)
{
	uint32_t *words = (uint32_t *)(view + page * VICTIM_PAGE);
	size_t i;

	for (i = 0; i < VICTIM_PAGE / sizeof(*words); i++)
		words[i] = value ? value + (uint32_t)i * page : 0;
}

static unsigned by_first(unsigned g) { return g * 7 % PAGES; }
static unsigned by_second(unsigned g) { return (g * 5 + 3) % PAGES; }
static unsigned by_kernel(unsigned g) { return (g * 13 + 5) % PAGES; }
static unsigned by_child(unsigned g) { return (g * 11 + 9) % PAGES; }
static unsigned removed(unsigned g) { return (g * 3 + 1) % PAGES; }
static bool forks(unsigned g) { return g % 3 == 0; }

static void child_writes(struct victim *v, struct state *s)
{
	pid_t child = fork();

	if (child == 0) {
		fill(s->first, by_child(v->generation), v->generation + 3000);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

/* Away and back, read-only for a while. */
static void move(struct state *s)
{
	mremap(s->second, BYTES, BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, s->aside);
	mprotect(s->aside, BYTES, PROT_READ);
	mremap(s->aside, BYTES, BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, s->second);
	mprotect(s->second, BYTES, PROT_READ | PROT_WRITE);
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	unsigned g = v->generation;
	int zero[2];

	fill(s->first, by_first(g), g + 1000);
	fill(s->second, by_second(g), g + 2000);
	if (pipe(zero) == 0) {
		uint32_t words[] = { g + 4000, g + 4000 };

		if (write(zero[1], words, sizeof(words)) == sizeof(words) &&
		    read(zero[0], s->second + by_kernel(g) * VICTIM_PAGE, sizeof(words)) < 0)
			victim_fault(v, "read");
		close(zero[0]);
		close(zero[1]);
	}
	if (forks(g))
		child_writes(v, s);
	if (g % 4 == 1)
		move(s);
	madvise(s->first + removed(g) * VICTIM_PAGE, VICTIM_PAGE, MADV_REMOVE);
	(void)*(volatile char *)(s->second + removed(g) * VICTIM_PAGE);
}

/* The same, where nothing is shared. */
static void expect(char *memory, unsigned generation)
{
	unsigned g, i;

	for (i = 0; i < PAGES; i++)
		fill(memory, i, 500);
	for (g = 1; g <= generation; g++) {
		uint32_t words[] = { g + 4000, g + 4000 };

		fill(memory, by_first(g), g + 1000);
		fill(memory, by_second(g), g + 2000);
		memcpy(memory + by_kernel(g) * VICTIM_PAGE, words, sizeof(words));
		if (forks(g))
			fill(memory, by_child(g), g + 3000);
		fill(memory, removed(g), 0);
	}
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	char *memory = malloc(BYTES);
	unsigned i;

	expect(memory, v->generation);
	for (i = 0; i < PAGES; i++) {
		size_t at = i * VICTIM_PAGE;

		CHECK(v, memcmp(s->first + at, memory + at, VICTIM_PAGE) == 0,
		      "page %u is not that of generation %u", i, v->generation);
	}
	CHECK(v, memcmp(s->first, s->second, BYTES) == 0, "the second view differs");
	free(memory);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	unsigned i;

	victim_start(&v, argc, argv);
	s.first = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	s.aside = mmap(NULL, BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(&v, s.first != MAP_FAILED && s.aside != MAP_FAILED);
	munmap(s.aside, BYTES);
	s.second = mremap(s.first, 0, BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, s.aside - 4 * BYTES);
	NEED(&v, s.second != MAP_FAILED);
	for (i = 0; i < PAGES; i++)
		fill(s.first, i, 500);
	victim_serve(&v, change, verify, &s);
}
