/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pre-copy of shared memory: in a short freeze its objects are scanned, as they will be in the
 * last one, and what has changed is read while the application runs. Only what is written after
 * that is left. Internal to snap/.
 *
 *	objects_are_worth_it    how much of them is to be expected
 *	objects_scan            frozen, after tracker_scan
 *	objects_read            thawed
 */
#ifndef SNAP_PRECOPY_OBJECTS_H
#define SNAP_PRECOPY_OBJECTS_H

#include "snap/freeze.h"
#include "snap/precopy.h"

struct object_ahead {
	int fd; /* of the object, ours */
	struct pagemap changed;
};

struct objects_ahead {
	struct object_ahead *objects;
	size_t count;
};

void objects_ahead_release(struct objects_ahead *ahead);

/* Whether what is expected to have changed takes much longer to read than a freeze by itself. */
bool objects_are_worth_it(const struct session *session);

/* Those that are tracked from here on; what is as the base has it is added to copies->kept. */
int objects_scan(struct session *session, struct frozen *frozen, struct objects_ahead *ahead,
		 struct copies *copies, struct sn_err *err);

/* Into copies->objects. What cannot be read is left to the frozen part. */
void objects_read(struct session *session, const struct objects_ahead *ahead,
		  struct copies *copies);

#endif
