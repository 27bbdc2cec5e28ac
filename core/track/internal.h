/* SPDX-License-Identifier: Apache-2.0 */
/* What the trackers share. Internal to core/track. */
#ifndef CORE_TRACK_INTERNAL_H
#define CORE_TRACK_INTERNAL_H

#include "core/track/forks.h"
#include "core/track/remaps.h"
#include "core/track/tracker.h"

struct page_region;
struct shared_object;

struct tracker {
	const struct tracker_ops *ops;
	const struct kernel_caps *caps;
	pid_t pid;		     /* armed for, 0: none */
	int pagemap_fd;		     /* /proc/PID/pagemap */
	int uffd;		     /* uffd.c: our copy of the userfaultfd, -1 none */
	struct page_region *regions; /* scan.c: what one call answers */
	struct remote *remote;	     /* during a scan of a frozen process, else NULL */
	/* soft_dirty.c: what was mapped at the last scan; uffd.c: what was present, in long runs */
	struct pagemap known;
	struct pagemap untouched;    /* untouched.c: mappings that hold nothing, in space 0 */
	struct forks forks;	     /* as all below, where shared memory is tracked */
	bool forked;		     /* between the last two scans of the frozen process */
	struct remaps remaps;
	struct shared_object *shared;
	size_t shared_count;
	bool lost;
	bool misses; /* the userfaultfd tells of missing pages and what becomes of their memory */
};

/* One stretch of pages of equal state. */
struct page_state {
	uint64_t start, end;
	bool own;	 /* present or swapped, and private: belongs into a snapshot */
	bool written;	 /* since it was last protected */
	bool soft_dirty; /* SCAN_SOFT_DIRTY: written since the bits were cleared */
};

enum scan_mode {
	SCAN_LOOK,
	SCAN_SOFT_DIRTY, /* and ask for the bit */
	SCAN_PROTECT,	 /* and protect in the same pass; EPERM where that is not possible */
	SCAN_PROTECT_WRITTEN, /* the same, but `each` is called for what is written only */
	/*
	 * Only asks where a page is not a protected one: written, or not there (any more). A look
	 * that costs a fifth of the others. EPERM where there is no protection. Of the states only
	 * start and end are filled.
	 */
	SCAN_TOUCHED,
	SCAN_CHECK,	 /* as SCAN_LOOK, but EPERM where SCAN_PROTECT would have it */
};

/*
 * Calls `each` for the populated stretches of a private mapping, in order. Whether a page is a
 * file's costs the kernel a look at each (40 ns): asked only where it can be.
 */
int scan_mapping(struct tracker *t, const Sn__Mapping *mapping, enum scan_mode mode,
		 int (*each)(void *arg, const struct page_state *state, struct sn_err *err),
		 void *arg, struct sn_err *err);

/* The same between two addresses of it. */
int scan_range(struct tracker *t, const Sn__Mapping *mapping, uint64_t start, uint64_t end,
	       enum scan_mode mode,
	       int (*each)(void *arg, const struct page_state *state, struct sn_err *err),
	       void *arg, struct sn_err *err);

/* untouched.c: finds the large mappings of a frozen process that hold nothing, where that costs
 * less than to read their entries. */
int untouched_find(struct tracker *t, const Sn__Task *model, pid_t pid, struct sn_err *err);
bool untouched_is(const struct tracker *t, const Sn__Mapping *m);

/* uffd.c: makes a userfaultfd in the frozen task, which does not keep it. */
int uffd_make(struct remote *remote, uint64_t features, int flags, int *uffd, struct sn_err *err);
/* Makes our userfaultfd of a task, and gives it up, and with it that of shared memory. */
int uffd_arm(struct tracker *t, struct remote *remote, struct sn_err *err);
/* Registers a mapping of the frozen process for write protection; after exec with another
 * userfaultfd, for ours is of an address space that is gone. *registered false: it is of a kind
 * that cannot be. */
int uffd_register_now(struct tracker *t, const Sn__Mapping *m, bool *registered,
		      struct sn_err *err);
/* A stretch that a scan has found, where it is the task's own. */
void uffd_add(struct tracked *to, uint32_t space, const struct page_state *state, bool all_dirty);
int uffd_register(int uffd, const Sn__Mapping *m); /* -1 with errno */
int uffd_protect(int uffd, uint64_t addr, uint64_t len, struct sn_err *err);
void uffd_close(struct tracker *t);

/* shared.c. Gets ready to track shared memory, where the frozen task has some. */
int shared_arm(struct tracker *t, struct remote *remote, const Sn__Task *model,
	       struct sn_err *err);
/* A scan of private memory of the frozen process has found `pages`, and protected them:
 * was there a fork since the last one? */
void shared_look_for_forks(struct tracker *t, const Sn__Task *model, const struct pagemap *pages);
void shared_lost(struct tracker *t);
void shared_forget(struct tracker *t); /* all objects */

extern const struct tracker_ops tracker_compare, tracker_soft_dirty, tracker_uffd;

#endif
