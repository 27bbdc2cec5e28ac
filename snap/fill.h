/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of a task whose mappings are as wanted: exactly the pages that differ are written,
 * those it has and the goal has not are dropped. Internal to snap/.
 */
#ifndef SNAP_FILL_H
#define SNAP_FILL_H

#include "snap/converge.h"

struct fill {
	struct session *session;
	struct frozen *frozen;
	struct goal *goal;
	bool lazy;
	uint64_t written_pages; /* out */
};

/* Stored pages, or zeros for PAGE_LOC_ZERO. */
int fill_read(struct catalog *cat, uint64_t loc, uint64_t count, uint8_t *buf,
	      struct sn_err *err);

/* For plan_apply: arg is a struct fill. */
int fill_pages(void *arg, struct applying *a, struct sn_err *err);

#endif
