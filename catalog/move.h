/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving stored pages to new packs, as they are stored, in an order of one's own; gc's hands.
 *
 *	mover_add_pack    a pack that pages are taken from: locked until the end
 *	mover_add_page    in the order in which they are to lie
 *	mover_run         1. contents are appended to new packs, and are on the disk
 *	                  2. COMMIT: the new packs count; emptied ones say so
 *	                  3. indexes that led to what has moved lead to where it is now
 *	                  4. indexes of the packs it was taken from say where it has gone
 *	                  5. contents of emptied packs are unlinked
 *	mover_end
 *
 * An index is replaced whole, by rename. At any moment every page that is needed can be found
 * in at most one step: before 4 the old places are still good, after 3 nothing else leads to
 * them. Death between any two steps leaves room to be given back by the next gc, and nothing else.
 *
 * 2 comes after the locks: it takes the place in the log of what a killed writer of these packs
 * may have left there (packs.h).
 */
#ifndef CATALOG_MOVE_H
#define CATALOG_MOVE_H

#include "catalog/live.h"
#include "catalog/packs.h"

struct mover_pack {
	struct pack_writer writer; /* locked, when it has contents */
	bool locked;
	uint32_t number;
	uint64_t pages;
	struct pack_entry *entries;
	uint64_t *to;  /* of pages that move: where to; else 0 */
	bool emptied;  /* nothing that is needed is left in N.pages */
};

struct mover {
	struct catalog *cat;
	const struct live *live;
	struct mover_pack *packs; /* by number */
	size_t pack_count;
	uint64_t *list; /* locations of contents */
	size_t count, cap;
	struct pack_writer *targets;
	size_t target_count;
};

enum { MOVING = 1 }; /* in `to`, until it is known where to */

void mover_begin(struct mover *mover, struct catalog *cat, const struct live *live);
void mover_end(struct mover *mover);

/* 1: it is locked, its entries are there; 0: somebody else has it; -1. */
int mover_add_pack(struct mover *mover, uint32_t number, struct sn_err *err);
/* NULL: it was not added. */
struct mover_pack *mover_pack(const struct mover *mover, uint32_t number);

/* A page whose contents are in a pack that was added; once is enough. */
void mover_add_page(struct mover *mover, uint64_t loc);

/* Whether a page of a pack that was added is needed: what was not there when live was marked is. */
bool mover_needs(const struct mover *mover, const struct mover_pack *pack, uint64_t page);

int mover_run(struct mover *mover, struct sn_err *err);

#endif
