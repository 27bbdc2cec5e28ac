/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a lazy restore was asked for, in the order of time, and what the next one of the same
 * snapshot fills first for that. Internal to snap/.
 *
 * Only who touches a page that is not there asks, so what is placed along with a page goes
 * unseen. Therefore little is: FIRST_PAGES, twice as many each time when the next page is asked for
 * (somebody walks through memory; then what was placed along has been used as well).
 */
#ifndef SNAP_DEMANDS_H
#define SNAP_DEMANDS_H

#include "snap/pending.h"

enum {
	DEMANDS_MAX_PAGES = 65536,
	DEMANDS_FIRST_PAGES = 4,
	DEMANDS_AHEAD_PAGES = 64,
	DEMANDS_WALKS = 8, /* at a time */
};

/* Runs that are not sorted; {0} is empty. */
struct demands {
	struct page_run *runs;
	size_t len, cap;
	uint64_t pages;
};

void demands_release(struct demands *demands);
void demands_append(struct demands *demands, const struct page_run *run);
void demands_append_map(struct demands *demands, const struct pagemap *map);

/*
 * Appends those of the pages of `from` that are pending, in their order, and strikes them off;
 * as long as `to` has no more than DEMANDS_MAX_PAGES. A location that `from` knows must be the
 * pending one: where memory was moved to, another page is asked for.
 */
void demands_take(struct demands *to, const struct demands *from, struct pending *pending);

/* As the catalog keeps them (catalog_demands_store), no page more than once; and back, without
 * locations. */
void demands_places(const struct demands *demands, struct pagemap *places);
void demands_of_places(struct demands *demands, const struct pagemap *places);

/* Writes down what is asked for. */
struct recorder {
	struct demands demands;
	struct walk {
		struct page_run along; /* placed along with the last page; may be empty */
		uint64_t span;
	} walks[DEMANDS_WALKS];
	size_t turn;
};

/* How many pages to place for whom asks for `key`, that one included. */
uint64_t recorder_span(const struct recorder *recorder, uint64_t key);
/* The first page of the run was asked for, the others are placed along. */
void recorder_note(struct recorder *recorder, const struct page_run *run);

#endif
