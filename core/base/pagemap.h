/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page maps: which page of a snapshot lies where.
 *
 * A page is named by a key: the number of its space in the upper 16 bits, its
 * page number in that space in the lower 48. The private memory of a task is one
 * space, each MemoryObject is another (proto/memory.proto). A location is the
 * page store's number of a stored page; core treats it as opaque but for this:
 * page i of a run lies at loc + i, and PAGE_LOC_ZERO stands for a page of zeros
 * that is stored nowhere (all pages of such a run have that same location).
 *
 * A map is a sorted array of runs that never overlap and are never empty;
 * neighbours that could be one run are one run. A lookup is O(log runs), every
 * combination of two maps one pass over both.
 */
#ifndef CORE_BASE_PAGEMAP_H
#define CORE_BASE_PAGEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PAGE_BYTES = 4096,
	PAGE_SPACE_SHIFT = 48,
};

#ifndef PAGE_SHIFT /* <sys/user.h> has the same */
#define PAGE_SHIFT 12
#endif

#define PAGE_LOC_ZERO UINT64_C(0)

struct page_run {
	uint64_t key;   /* of the first page */
	uint64_t count; /* pages, > 0 */
	uint64_t loc;   /* of the first page */
};

struct pagemap {
	struct page_run *runs;
	size_t len;
	size_t cap;
};

static inline uint64_t page_key(uint32_t space, uint64_t addr_bytes)
{
	return ((uint64_t)space << PAGE_SPACE_SHIFT) | (addr_bytes >> PAGE_SHIFT);
}

static inline uint32_t page_key_space(uint64_t key)
{
	return (uint32_t)(key >> PAGE_SPACE_SHIFT);
}

static inline uint64_t page_key_addr(uint64_t key)
{
	return (key & ((UINT64_C(1) << PAGE_SPACE_SHIFT) - 1)) << PAGE_SHIFT;
}

/* An empty map needs no call: `struct pagemap map = {0}`. Frees and empties. */
void pagemap_release(struct pagemap *map);

/* Empties, keeping the memory for the next use. */
void pagemap_clear(struct pagemap *map);

/* Makes room for `len` runs in all, so that appending up to there moves nothing. */
void pagemap_reserve(struct pagemap *map, size_t len);

/*
 * Appends pages; key must not be below the end of the last run. Memory that
 * cannot be had ends the process (as everywhere in snapsh).
 */
void pagemap_append(struct pagemap *map, uint64_t key, uint64_t count, uint64_t loc);

/* Appends all pages of `more`, which begins behind the end of `to`. */
void pagemap_extend(struct pagemap *to, const struct pagemap *more);

/* Copies `from` over `to`. */
void pagemap_copy(struct pagemap *to, const struct pagemap *from);

/* Pages in all. */
uint64_t pagemap_pages(const struct pagemap *map);
/* Those that have a location: no pages of zeros. */
uint64_t pagemap_stored(const struct pagemap *map);

/* Index of the first run that ends after key: map->len when there is none. */
size_t pagemap_seek(const struct pagemap *map, uint64_t key);

/* Location of one page in *loc; false when the map does not have it. */
bool pagemap_find(const struct pagemap *map, uint64_t key, uint64_t *loc);

/* out = pages of `over`, and those of `base` that `over` does not have. */
void pagemap_overlay(struct pagemap *out, const struct pagemap *base, const struct pagemap *over);

/* The same into `to`: what is in both is as `later` has it. */
void pagemap_add(struct pagemap *to, const struct pagemap *later);

/* out = the pages of `map` that are also in `keys` (whose locations are ignored). */
void pagemap_intersect(struct pagemap *out, const struct pagemap *map,
		       const struct pagemap *keys);

/* out = the pages of `map` that are not in `keys`. */
void pagemap_subtract(struct pagemap *out, const struct pagemap *map, const struct pagemap *keys);

/* out = the pages of `map` that `other` has not, or has at another location. */
void pagemap_changed(struct pagemap *out, const struct pagemap *map, const struct pagemap *other);

bool pagemap_equal(const struct pagemap *a, const struct pagemap *b);

#endif
