/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In how many pieces the pages of a snapshot lie, and putting them into one: in the order of
 * their keys, each difference behind the page that it is against. That is the order in which a
 * restore reads.
 */
#ifndef CATALOG_FRAGMENTS_H
#define CATALOG_FRAGMENTS_H

#include "catalog/move.h"

/*
 * Adds the snapshot's pages to the mover when a piece has fewer than `piece_pages` on average:
 * 1, 0 they lie well enough, or somebody has their packs, -1.
 */
int fragments_join(struct mover *mover, int64_t app_id, int64_t id, uint64_t piece_pages,
		   struct sn_err *err);

#endif
