/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Since which snapshot a condition is true, on the way from the oldest ancestor of a snapshot to
 * it: `bisect`. What cannot be evaluated in a snapshot is not true there.
 *
 *	snap_bisect -> bisection_release
 */
#ifndef SNAP_BISECT_H
#define SNAP_BISECT_H

#include "snap/inspect/series.h"

/* A snapshot that was looked at. */
struct bisect_look {
	int64_t id;
	bool truth;
	char *error; /* why it could not be evaluated; NULL: it could */
	bool read;   /* not inferred from another */
};

/* Between two neighbours of the way. */
struct bisect_turn {
	int64_t from, to;
	bool truth; /* what it is at `to` */
};

struct bisection {
	int64_t oldest, newest; /* of the way */
	struct bisect_look *looks; /* in the order in which they were looked at */
	size_t look_count;
	struct bisect_turn *turns; /* from the oldest on; of a bisection one at most */
	size_t turn_count;
	int64_t first; /* the first one that is known to be true; 0: none is */
	char **notes;  /* what a person should know before trusting it */
	size_t note_count;
};

/*
 * all: every snapshot of the way is looked at, and every turn is found. Else the newest, the
 * oldest, and of those between so many as tell where it turned, if it turned once. Fails when the
 * expression is no condition, or wrong wherever it was looked at. To be released also on failure:
 * there may be notes, which say why.
 */
int snap_bisect(struct catalog *cat, int64_t app_id, int64_t id, const struct series_query *query,
		bool all, struct bisection *bisection, struct sn_err *err);
void bisection_release(struct bisection *bisection);

#endif
