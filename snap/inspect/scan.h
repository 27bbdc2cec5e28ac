/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory in large pieces, in the order of addresses. Internal to snap/inspect/.
 *
 * Stored pages are read many at a time, in the order in which they lie in the catalog; holes and
 * pages of zeros are told without being read.
 */
#ifndef SNAP_INSPECT_SCAN_H
#define SNAP_INSPECT_SCAN_H

#include "snap/inspect/internal.h"

/* `bytes` NULL: zeros; they live during the call. False: enough. */
typedef bool scan_fn(void *arg, uint64_t addr, const uint8_t *bytes, uint64_t len);

/* How much of a mapping is looked at: nothing, what the snapshot has, or its file too. */
enum scan_depth {
	SCAN_NOTHING,
	SCAN_STORED,
	SCAN_ALL,
};

struct scan_request {
	uint64_t start, end;
	scan_fn *fn;
	enum scan_depth (*depth)(void *arg, const Sn__Mapping *mapping); /* NULL: all of all */
	void *arg;
};

/* Where there is no memory, or it cannot be read, it goes on behind; contents of the snapshot
 * that cannot be read are a failure. *stopped: fn said so. */
int scan_memory(struct inspect *in, const struct scan_request *request, bool *stopped,
		struct sn_err *err);

/* The first address from `start` on that cannot be read, at most `end`. */
uint64_t scan_readable(struct inspect *in, uint64_t start, uint64_t end);

#endif
