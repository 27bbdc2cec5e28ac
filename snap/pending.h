/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of one memory that are still to be placed, and where the catalog has them: a page map
 * of which pages are struck off one by one. Internal to snap/. */
#ifndef SNAP_PENDING_H
#define SNAP_PENDING_H

#include "core/base/pagemap.h"

struct pending {
	struct pagemap map;
	uint64_t *before; /* pages of the runs before each */
	uint8_t *struck;  /* one bit a page */
	uint64_t left;
};

/* Takes the map; pages of zeros are not pending. */
void pending_init(struct pending *pending, struct pagemap *map);
void pending_release(struct pending *pending);
void pending_copy(struct pending *to, const struct pending *from);

/* Whether the page is pending; then *run is what is pending from it on, at most `max` pages. */
bool pending_at(const struct pending *pending, uint64_t key, uint64_t max, struct page_run *run);
/* The first pages that are pending of those of `keys`, at most `max`, which are cut off from
 * `keys` with all before them; false: none is. */
bool pending_next(const struct pending *pending, struct page_run *keys, uint64_t max,
		  struct page_run *run);
void pending_strike(struct pending *pending, uint64_t key, uint64_t count);
/* The pages from `key` on are those from `to` on now. */
void pending_move(struct pending *pending, uint64_t key, uint64_t count, uint64_t to);
/* Those that are left, as a map. */
void pending_left(const struct pending *pending, struct pagemap *map);

#endif
