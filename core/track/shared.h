/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared anonymous memory: which of its pages changed since the last snapshot?
 *
 *	tracker_look_for_users   before the freeze: which objects nobody else maps
 *	tracker_meet_objects     the same, for a freeze that only scans
 *	tracker_scan             frozen; also finds whether there was a fork
 *	tracker_scan_object      frozen, of each object
 *
 * What is true of an object must be true of every mapping of it: doc/incremental.md says why
 * each condition is there. An object that a tracker cannot track, or not yet, has all changed.
 *
 * Source: Documentation/admin-guide/mm/userfaultfd.rst (write protection of shmem, markers).
 */
#ifndef CORE_TRACK_SHARED_H
#define CORE_TRACK_SHARED_H

#include "core/track/tracker.h"

struct tracked_object {
	uint32_t id;		       /* Mapping.object_id, and the space of its keys */
	int fd;			       /* of its file, ours */
	bool made;		       /* in this freeze by us: nobody else has it */
	const struct pagemap *present; /* its pages */
	const struct pagemap *base;    /* what the last scan's result was made to */
};

/*
 * Appends to `clean` (NULL: nobody asks) the pages of the object that are present, in the base,
 * and unchanged since its last scan, and begins anew. Pages we write by its descriptor until the
 * thaw do not count as changes. After tracker_scan of the same frozen process.
 */
int tracker_scan_object(struct tracker *t, const Sn__Task *model,
			const struct tracked_object *object, struct pagemap *clean,
			struct sn_err *err);

/* Of a process that runs. Nothing fails: what is not found to be alone is not tracked. */
void tracker_look_for_users(struct tracker *t, pid_t pid);

/*
 * For a scan that is followed by another one soon. Of a process that runs: how many pages of
 * shared memory there are, at most; whether the last scan made it possible to look for users; and,
 * when they were looked for, reads what the scan would have to read while the process is frozen.
 */
uint64_t tracker_object_pages(const struct tracker *t, pid_t pid);
bool tracker_can_look_for_users(const struct tracker *t, pid_t pid);
void tracker_meet_objects(struct tracker *t, pid_t pid);
/* After the scan: whether the next one can tell what of this object changed. */
bool tracker_has_object(struct tracker *t, int fd);

/* Frozen, when pages have been put into memory since the scan: `pages` of private memory count as
 * not changed, and from now on a fork is noticed. */
void tracker_watch_forks(struct tracker *t, const Sn__Task *model, const struct pagemap *pages);

#endif
