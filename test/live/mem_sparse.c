// SPDX-License-Identifier: Apache-2.0
/* 64 GiB without reserve, 64 pages touched: nothing may fill the holes, and the page
 * tables must not grow by more than a megabyte. */
#include "victim.h"
#include "smaps.h"
#include <sys/mman.h>

enum {
	PAGES = 64,
	TABLES_KIB = 2048,
};

struct state {
	char *base;
	long tables_kib;
};

static char *page(struct state *s, unsigned generation, size_t number)
{
	return s->base + (number << 30) + ((generation * 977 + number * 13) % 1000) * VICTIM_PAGE;
}

static long status_kib(const char *key)
{
	char line[200];
	long kib = -1;
	FILE *file = fopen("/proc/self/status", "r");

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, strlen(key)) == 0)
			kib = strtol(line + strlen(key), NULL, 10);
	}
	if (file)
		fclose(file);
	return kib;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	for (size_t i = 0; i < PAGES; i++) {
		if (v->generation)
			madvise(page(s, v->generation - 1, i), VICTIM_PAGE, MADV_DONTNEED);
		victim_fill(page(s, v->generation, i), VICTIM_PAGE, v->generation + i);
	}
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	unsigned char in_core[VICTIM_PAGE];
	size_t resident = 0;

	for (size_t i = 0; i < PAGES; i++) {
		CHECK(v, mincore(s->base + (i << 30), sizeof(in_core) * (size_t)VICTIM_PAGE,
				 in_core) == 0, "mincore: %s", strerror(errno));
		for (size_t k = 0; k < sizeof(in_core); k++)
			resident += in_core[k] & 1;
		victim_expect(v, "page", page(s, v->generation, i), VICTIM_PAGE,
			      v->generation + i);
	}
	CHECK(v, resident == PAGES, "%zu pages are resident, not %d", resident, PAGES);
	CHECK(v, status_kib("VmPTE:") <= s->tables_kib + TABLES_KIB,
	      "page tables grew from %ld to %ld KiB", s->tables_kib, status_kib("VmPTE:"));
	CHECK(v, smaps_flag(s->base, " nr") == 1, "MAP_NORESERVE is lost");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	s.base = mmap(NULL, (size_t)PAGES << 30, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s.base == MAP_FAILED)
		victim_skip(&v, "64 GiB without reserve: %s", strerror(errno));
	/* where huge pages are given unasked a touch makes 512 pages resident */
	madvise(s.base, (size_t)PAGES << 30, MADV_NOHUGEPAGE);
	change(&v, &s);
	s.tables_kib = status_kib("VmPTE:");
	victim_serve(&v, change, verify, &s);
}
