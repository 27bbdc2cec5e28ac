/* SPDX-License-Identifier: Apache-2.0 */
/* What the trackers share. Internal to core/track. */
#ifndef CORE_TRACK_INTERNAL_H
#define CORE_TRACK_INTERNAL_H

#include "core/track/tracker.h"

struct tracker {
	const struct tracker_ops *ops;
	const struct kernel_caps *caps;
	pid_t pid;      /* armed for, 0: none */
	int pagemap_fd; /* /proc/PID/pagemap */
	int uffd;       /* uffd.c: our copy of the userfaultfd, -1 none */
	struct remote *remote; /* during a scan */
	bool lost;
};

/* One stretch of pages of equal state. */
struct page_state {
	uint64_t start, end;
	bool own;     /* present or swapped, and private: belongs into a snapshot */
	bool written; /* since it was last protected */
};

/* Calls `each` for the populated stretches of [start, end), in order. protect: protect them
 * in the same pass, EPERM where that is not possible. */
int scan_range(struct tracker *t, uint64_t start, uint64_t end, bool protect,
	       int (*each)(void *arg, const struct page_state *state, struct sn_err *err),
	       void *arg, struct sn_err *err);

extern const struct tracker_ops tracker_compare, tracker_uffd;

#endif
