/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which stored pages somebody needs: those that the records of page maps name, where those have
 * moved to, and the full pages that differences are against.
 *
 *	live_mark        all that is committed; takes its time, holds nothing up
 *	live_mark_new    what was committed since; under a lease that nobody shares (lease.h),
 *	                 so that afterwards what is not named can never be named again
 *
 * A record names only what its own snapshot has, and a drop that writes records anew names
 * nothing that was not named, so what is new are the snapshots with ids not seen before.
 */
#ifndef CATALOG_LIVE_H
#define CATALOG_LIVE_H

#include "catalog/internal.h"
#include "catalog/pageset.h"

struct live {
	struct catalog *cat;
	struct pageset named;
	struct pageset followed; /* of those, whose entries were read */
	struct live_app {
		int64_t id, last; /* the newest snapshot that was seen */
	} * apps;
	size_t app_count;
};

/* A damaged record fails: nobody knows what it needs. */
int live_mark(struct live *live, struct catalog *cat, struct sn_err *err);
int live_mark_new(struct live *live, struct sn_err *err);
void live_release(struct live *live);

#endif
