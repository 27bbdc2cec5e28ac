/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page maps of snapshots in the database: a delta against the parent's map, or
 * a full one where a chain begins, has become too long, or would take more than
 * twice the time to load that the map takes by itself.
 *
 * Invariants of a stored map:
 *   1. base is the snapshot's parent, or 0: then the bytes are a full map;
 *   2. depth is at least the number of maps it builds on, and at most MAP_CHAIN_MAX;
 *   3. chain_runs is about the number of runs that loading it has to read;
 *   4. whole_sum is that of the whole map, so a chain that was put together wrongly is
 *      found out, and so is a caller whose idea of the parent's map was wrong.
 *
 * Everything here runs inside the caller's transaction.
 */
#ifndef CATALOG_MAPS_H
#define CATALOG_MAPS_H

#include "catalog/internal.h"

struct map_record {
	int64_t app_id, id;
	int64_t base; /* 0: none, a full map */
	uint32_t depth;
	uint64_t chain_runs;
	uint64_t whole_sum;
	uint8_t *bytes;
	size_t len;
};

void map_record_release(struct map_record *record);

/*
 * Makes the record of snapshot `id` with parent `parent` (0: none). `parent_map` may be NULL:
 * then it is loaded. When the parent's map cannot be had, or is not `parent_map`,
 * the new one is full and depends on nothing.
 */
int map_record_make(struct catalog *cat, struct map_record *record, int64_t app_id, int64_t id,
		    int64_t parent, const struct pagemap *map, const struct pagemap *parent_map,
		    struct sn_err *err);

/* Inserts the record, or puts it in the place of the one that is there. */
int map_record_store(struct catalog *cat, const struct map_record *record, struct sn_err *err);

/* The whole map of a snapshot. */
int map_load(struct catalog *cat, int64_t app_id, int64_t id, struct pagemap *map,
	     struct sn_err *err);

/*
 * The runs of one record into `runs`, which is emptied first, and what it builds on into *base: 0:
 * none, so the runs are the map; else they are a delta against it (mapcode.h). Of the record its
 * own checksum is verified, not that of the whole map.
 */
int map_record_runs(struct catalog *cat, int64_t app_id, int64_t id, struct pagemap *runs,
		    int64_t *base, struct sn_err *err);

/*
 * Calls `fn` with the runs of every record of the application's snapshots above `above`: of a
 * full map, or of a delta (mapcode.h). Stops when it fails.
 */
typedef int maps_fn(void *arg, int64_t app_id, int64_t id, const struct pagemap *runs,
		    struct sn_err *err);
int maps_each(struct catalog *cat, int64_t app_id, int64_t above, maps_fn *fn, void *arg,
	      struct sn_err *err);

/* Makes every map that builds on one of `ids` (sorted), and is none of them, build on what that
 * one builds on. */
int maps_leave(struct catalog *cat, int64_t app_id, const int64_t *ids, size_t count,
	       struct sn_err *err);

#endif
