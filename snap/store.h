/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From copied pages to a stored snapshot: after the thaw. Internal to snap/.
 */
#ifndef SNAP_STORE_H
#define SNAP_STORE_H

#include "snap/precopy.h"

/* What a freeze has brought: the model, and pages in the session's buffer. */
struct take {
	Sn__Image *image;
	struct tracked tracked;     /* private memory; dirty: what was copied */
	struct copies copies;       /* of private memory, and where in the buffer all lies */
	struct pagemap objects;     /* pages of memory objects, copied; locations as in copies */
	struct pagemap kept;        /* those that are as the base has them */
	bool look;                  /* only looked at: no tracker is told of it */
};

void take_release(struct take *take);

/*
 * Stores the pages of `at`, whose run at location n begins with page n - 1 of `pages`, but for
 * zeros and for those that `base` has the same. Key and location of all are appended to `out`.
 */
int store_pages(struct catalog *cat, struct catalog_put *put, const struct pagemap *base,
		const struct pagemap *at, const uint8_t *pages, struct pagemap *out,
		struct sn_err *err);

/*
 * Stores what differs from the session's base and makes the snapshot visible. On success the
 * session counts from it: base and base_id are its own.
 */
int store_take(struct session *session, const struct take *take, struct catalog_snapshot *snap,
	       struct sn_err *err);

#endif
