/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One expression in many snapshots of an application. Modules, types and page maps are read once
 * for as many snapshots as have the same ones, and where all that an evaluation went by is the
 * same in another snapshot its value is, too, without a look.
 *
 *	series_open -> series_at ... -> series_close
 *
 * Borrows the catalog; used by one thread.
 */
#ifndef SNAP_INSPECT_SERIES_H
#define SNAP_INSPECT_SERIES_H

#include "snap/inspect/inspect.h"

enum outcome_kind {
	OUTCOME_VALUE,
	OUTCOME_ERROR, /* not here: what it needs is not there in this snapshot */
	OUTCOME_WRONG, /* the expression itself: its syntax, its names, its types */
};

enum outcome_number {
	NUMBER_NONE, /* no number: a struct, a pointer, text */
	NUMBER_INTEGER,
	NUMBER_REAL,
};

/* What an evaluation found; lives as long as the series. */
struct outcome {
	enum outcome_kind kind;
	char *text; /* the value as `print` has it, or why there is none */
	enum outcome_number number;
	int64_t integer;
	double real;
	/* Whether it is a condition that is true: not zero. -1: it is no condition, and why. */
	int truth;
	char *no_truth;
};

struct series;

struct series_query {
	const char *expression;
	char letter; /* of /x, /d, ...; 0 none */
	struct spot spot;
	struct debug_files *debug;
	struct variables *variables; /* borrowed, to be read; NULL: there are none */
};

/* The query's text and debug files are borrowed. */
int series_open(struct series **series, struct catalog *cat, int64_t app_id,
		const struct series_query *query, struct sn_err *err);
void series_close(struct series *series); /* NULL is fine */

struct sample {
	const struct outcome *outcome;
	bool read;    /* it was evaluated; else inferred */
	bool written; /* what the outcome of `like` is made of is not, or may not be, as it was */
};

/*
 * The value in a snapshot: that of `like` or `other` (results of this series; each may be NULL)
 * when what it went by is the same there. What cannot be had is an outcome, too.
 */
void series_at(struct series *series, int64_t id, const struct outcome *like,
	       const struct outcome *other, struct sample *sample);

/* Lines a person should know, each once; see inspect_note. */
size_t series_note_count(const struct series *series);
const char *series_note(const struct series *series, size_t i);

#endif
