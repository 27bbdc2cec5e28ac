/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `diff`: two sides, what they are compared for, and the result as JSON. */
#ifndef SHELL_DIFF_H
#define SHELL_DIFF_H

#include "shell/command.h"
#include "snap/diff.h"
#include "snap/inspect/compare.h"

/* One side: a snapshot, or with id 0 the living application. */
struct diff_side {
	struct catalog_app app;
	struct catalog_snapshot snap;
	struct inspect *in;
	void *shared; /* pages of the living one, mapped */
	size_t shared_bytes;
	int64_t stop_ns; /* how long the living one stood still; 0: not known */
};
int diff_side_snapshot(struct request *rq, const char *ref, struct diff_side *side,
		       struct sn_err *err);
/* memory false: its structure only. */
int diff_side_living(struct request *rq, bool memory, struct diff_side *side, struct sn_err *err);
void diff_side_release(struct diff_side *side);

/* ---- diff_json.c: lists to arrays ---- */

json_t *diff_json_memory(struct compare *compare);
json_t *diff_json_mappings(struct compare *compare);
json_t *diff_json_variables(struct compare *compare, size_t max, struct sn_err *err);
json_t *diff_json_changes(const struct value_changes *changes);
json_t *diff_json_threads(struct compare *compare, const struct inspect *from,
			  const struct inspect *to, struct sn_err *err);
json_t *diff_json_frames(struct compare *compare, const struct inspect *from, size_t max,
			 struct sn_err *err);
json_t *diff_json_structure(const Sn__Image *from, const Sn__Image *to, bool moved,
			    bool (*wanted)(const void *arg, enum diff_section section),
			    const void *arg);
/* For compare_dump; arg is an array. */
void diff_json_row(void *arg, const struct dump_row *row);

#endif
