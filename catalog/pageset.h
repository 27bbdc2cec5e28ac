/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of stored pages: a bit for each page of each pack. Locations that no pack of the set has
 * are taken in by no set: they may come from damaged files.
 */
#ifndef CATALOG_PAGESET_H
#define CATALOG_PAGESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pageset_pack {
	uint32_t number;
	uint64_t pages;
	uint8_t *bits;
};

struct pageset {
	struct pageset_pack *packs; /* by number */
	size_t count;
};

/* An empty set needs no call: `struct pageset set = {0}`. */
void pageset_release(struct pageset *set);

/* The set can hold this many pages of a pack, none of which is in it yet; of a pack that it
 * knows already, it can hold more. */
void pageset_widen(struct pageset *set, uint32_t number, uint64_t pages);

/* Whether it was not there, and now is. */
bool pageset_add(struct pageset *set, uint64_t loc);
bool pageset_has(const struct pageset *set, uint64_t loc);
/* Whether the set could hold it. */
bool pageset_knows(const struct pageset *set, uint64_t loc);

#endif
