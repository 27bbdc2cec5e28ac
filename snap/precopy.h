/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pre-copy: pages are read while the application runs, so that only what it writes meanwhile is
 * left to be read while it stands still. Internal to snap/.
 *
 * Each pass scans (finding what has changed, and beginning anew), then reads. A page that is
 * written after its scan is in the next scan, and read again; the last copy counts. What cannot
 * be scanned while it runs - memory that is not tracked yet, under soft-dirty all - is scanned
 * in a short freeze, when much of it has changed and each pass finds less: doc/incremental.md.
 */
#ifndef SNAP_PRECOPY_H
#define SNAP_PRECOPY_H

#include "snap/session.h"

/* Pages in the session's buffer. */
struct copies {
	struct pagemap at;   /* which pages; location: 1 + the index of the last copy */
	struct pagemap owed; /* were to be read and could not be: to be read when frozen */
	struct pagemap known; /* what the base or a copy ahead has: all else is new */
	/* Of memory objects, when those were scanned ahead: the same as at, and what was as the
	 * base has it then. */
	bool tried_objects, scanned_objects;
	struct pagemap objects;
	struct pagemap kept;
	size_t used;         /* pages of the buffer, copies that were read again included */
	size_t last;         /* pages of the last pass, and those it has left */
	uint64_t stop_ns;    /* how long the process has stood still for it */
};

void copies_release(struct copies *copies);

/* The place of a copy in the session's buffer. */
const uint8_t *copies_page(const struct session *session, uint64_t loc);

/*
 * Passes until another would not be worth it. The tracker is one that tells_running.
 */
int precopy(struct session *session, const struct collect_hints *hints, struct copies *copies,
	    struct sn_err *err);

#endif
