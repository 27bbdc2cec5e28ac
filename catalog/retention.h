/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention: which snapshots of an application stay, and why. It reads and changes nothing: a
 * list goes in, reasons come out, and what has none may be dropped.
 */
#ifndef CATALOG_RETENTION_H
#define CATALOG_RETENTION_H

#include "catalog/catalog.h"

struct retention {
	size_t last;   /* the newest so many */
	size_t hourly; /* the newest of each hour of local time, of the last so many hours */
	size_t daily;  /* the same of days */
	bool tagged;   /* whatever has a tag */
};

/* A set of reasons. */
enum {
	STAYS_HERE = 1,    /* the application stands on it */
	STAYS_UNDO = 2,    /* `undo` goes back to it */
	STAYS_TAGGED = 4,
	STAYS_LAST = 8,
	STAYS_HOURLY = 16,
	STAYS_DAILY = 32,
	STAYS_HELD = 64,   /* somebody looks into it; told by who asks the catalog */
};

/* snaps: by id, oldest first; reasons[i] is for snaps[i]. */
void retention_apply(const struct retention *retention, const struct catalog_app *app,
		     const struct catalog_snapshot *snaps, size_t count, unsigned *reasons);

#endif
