/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of an expression over the snapshots of an application: `when`.
 *
 *	snap_when -> when_stretch, when_run ... -> when_release
 *
 * A snapshot is compared with its parent, not with the one before it in the list: behind a revert
 * these are two.
 */
#ifndef SNAP_WHEN_H
#define SNAP_WHEN_H

#include "snap/inspect/series.h"

enum when_change {
	WHEN_FIRST,   /* it has no parent */
	WHEN_SAME,    /* as in the parent, and nothing it is made of was written between */
	WHEN_CHANGED,
	WHEN_MAYBE,   /* as in the parent, but it may have been another between */
};

struct when_row {
	int64_t id;
	int64_t parent; /* 0: none */
	int64_t created_ns;
	char *value; /* NULL: it has none, and why: */
	char *error;
	enum outcome_number number;
	int64_t integer; /* of NUMBER_INTEGER */
	double real;	 /* of both */
	enum when_change change;
	bool read; /* evaluated, not inferred */
};

struct when {
	struct when_row *rows; /* by id */
	size_t count;
	char **notes; /* what a person should know before trusting it */
	size_t note_count;
};

/* Fails when the expression itself is wrong in every snapshot; else what cannot be had is a row.
 * To be released also on failure: there may be notes, which say why. */
int snap_when(struct catalog *cat, const struct catalog_app *app, const struct series_query *query,
	      struct when *when, struct sn_err *err);
void when_release(struct when *when);

/* The word for it: "first", "same", "changed", "maybe"; and back (WHEN_FIRST when it is none). */
const char *when_change_name(enum when_change change);
enum when_change when_change_of(const char *name);

/* How many rows from `first` on are one stretch: the same value, each the parent of the next. */
size_t when_stretch(const struct when_row *rows, size_t count, size_t first);

/*
 * The next intervals of this kind: of parent and child, each beginning where the one before ends.
 * Looks from row *at on; how many rows are their ends, the first of them at *at. 0: there are no
 * more.
 */
size_t when_run(const struct when_row *rows, size_t count, enum when_change change, size_t *at);

#endif
