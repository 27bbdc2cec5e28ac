/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page maps as bytes, and the difference of two maps as a map.
 *
 * A delta is a page map too: runs with a location have been added or changed, runs
 * with a "gone" location have been removed. So the operations of
 * core/base/pagemap.h do for deltas as well: overlaying two of them chains them. A
 * gone location is bit 63, never set in one of a pack
 * (pack.h), and the key without its space, so that neighbours join.
 *
 * The bytes: the number of runs, then each run, all as varints (LEB128):
 *
 *	header     gap << 3 | where << 1 | (count == 1)
 *	count      unless it is 1
 *	jump       zigzag, only when where is MOVED
 *
 * `gap` is the distance of the key from the end of the run before; `where` is 0
 * FOLLOWS: the location continues the last stored run; 1 ZERO; 2 MOVED: it lies
 * `jump` beyond that continuation; 3 GONE.
 */
#ifndef CATALOG_MAPCODE_H
#define CATALOG_MAPCODE_H

#include "core/base/err.h"
#include "core/base/pagemap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a run of a delta says that its pages are gone. */
static inline bool mapcode_is_gone(uint64_t loc)
{
	return loc >> 63;
}

/* What brings `from` to `to`. */
void mapcode_diff(struct pagemap *delta, const struct pagemap *from, const struct pagemap *to);

/* The bytes of a map or delta; malloc'd. */
uint8_t *mapcode_encode(const struct pagemap *map, size_t *len);
/* Reads them back; fails on bytes that no map has. The bytes are not trusted. */
int mapcode_decode(struct pagemap *map, const uint8_t *bytes, size_t len, struct sn_err *err);
/* Reads a full map and brings it forward by delta, in one pass: memory that is touched
 * for the first time costs more than all the rest. */
int mapcode_decode_forward(struct pagemap *map, const uint8_t *bytes, size_t len,
			   const struct pagemap *delta, struct sn_err *err);

/* XXH3 of a map's contents, whatever it was made from. */
uint64_t mapcode_sum(const struct pagemap *map);

#endif
