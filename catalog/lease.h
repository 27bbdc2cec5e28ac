/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases: who uses locations that no committed snapshot names, or that may be dropped while
 * they are used, holds one; while one is held gc calls no page dead.
 *
 *	put       from its begin to its end: what it has found stored stays until its commit
 *	          names it
 *	going back, restoring: from the page map to the last page (catalog_hold)
 *	gc        alone, for a moment: when it settles what is dead (gc.c)
 *
 * The lock is flock(2) on the file `lease`, so it ends with its holder. gc also counts
 * collections: a location that was remembered under another count may name nothing by now.
 *
 * Who looks into a snapshot for as long as a person likes is not to hold gc up. He holds that one
 * snapshot (catalog_snapshot_hold), by a lock on one byte of the same file (F_OFD_SETLK, which
 * flock knows nothing of): it cannot be dropped meanwhile, so its pages are named and gc leaves
 * them.
 */
#ifndef CATALOG_LEASE_H
#define CATALOG_LEASE_H

#include "catalog/internal.h"

/* Shared, or alone; waits for wait_ms at most, then fails with EBUSY. A descriptor to close. */
int lease_take(struct catalog *cat, bool alone, int wait_ms, struct sn_err *err);

/* Those that are to be dropped, until they are; EBUSY when somebody holds one. A descriptor to
 * close. */
int lease_take_snapshots(struct catalog *cat, int64_t app_id, const int64_t *ids, size_t count,
			 struct sn_err *err);

/* How often pages have been called dead in this catalog. */
int lease_collections(struct catalog *cat, int64_t *count, struct sn_err *err);
/* Counts one more, on the disk when it returns. */
int lease_count_collection(struct catalog *cat, struct sn_err *err);

#endif
