/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trackers: which pages of a task changed since the last scan?
 *
 *	soft-dirty  a bit of each page that clear_refs takes away and a write brings back
 *	uffd   userfaultfd write protection that nobody waits for, with PAGEMAP_SCAN
 *	compare  everything may have changed: the answer that always works; what is equal to
 *	       the parent's is found when it is stored, by comparing checksums
 *
 * A tracker belongs to one process. What it does not know it calls changed: ranges never
 * seen before, a new address space after exec, everything after tracker_lost.
 *
 * Source: Documentation/admin-guide/mm/{userfaultfd,pagemap}.rst
 */
#ifndef CORE_TRACK_TRACKER_H
#define CORE_TRACK_TRACKER_H

#include "core/base/err.h"
#include "core/base/pagemap.h"
#include "core/kernel/caps.h"
#include "core/task/remote.h"
#include "proto/image.pb-c.h"

struct tracker;

/* What a scan finds: pages of private memory the task has of its own (not the untouched
 * pages of a file, not the zero page). Locations are not used. */
struct tracked {
	struct pagemap present;
	struct pagemap dirty; /* of those, the ones that may have changed */
	/* Of a running process only, and not among the others: pages that may have changed and of
	 * which only a scan of the frozen process can take note. */
	struct pagemap unknown;
};

void tracked_release(struct tracked *tracked);
/* Whatever a tracker says: what the parent's page map does not have is new. */
void tracked_add_missing(struct tracked *tracked, const struct pagemap *parent);

struct tracker_ops {
	const char *name;
	bool (*works)(const struct kernel_caps *caps);
	/* A scan takes note and begins anew in one step: a running process loses nothing by it. */
	bool scans_running;
	bool tracks_shared; /* shared anonymous memory, too: core/track/shared.h */
	/* Gets ready to track a process from its next scan on. Frozen, remote calls open. */
	int (*arm)(struct tracker *t, struct remote *remote, struct sn_err *err);
	/* Fills `found`, and begins anew: what changes from now on is found by the next scan. */
	int (*scan)(struct tracker *t, const Sn__Task *model, struct tracked *found,
		    struct sn_err *err);
	/* The same, but nothing begins anew. NULL: all counts as changed. It may run, too. */
	int (*look)(struct tracker *t, const Sn__Task *model, struct tracked *found,
		    struct sn_err *err);
	/* Pages we have written ourselves are as the last scan's: not changed. The task has been
	 * frozen since that scan. */
	int (*clean)(struct tracker *t, const struct pagemap *keys, struct sn_err *err);
	/* Fills pages that are not there, and that count as not changed. Returns how many, from
	 * the first on, it could; on several threads at once. */
	uint64_t (*place)(struct tracker *t, uint64_t addr, const uint8_t *pages, uint64_t count);
	void (*close)(struct tracker *t);
};

/* name: "auto" or NULL for the best that works here, or one of the names above. */
int tracker_open(struct tracker **t, const char *name, const struct kernel_caps *caps,
		 struct sn_err *err);
void tracker_close(struct tracker *t); /* NULL is fine */
const char *tracker_name(const struct tracker *t);

/* The task is frozen and its remote calls are open. */
int tracker_scan(struct tracker *t, struct remote *remote, const Sn__Task *model,
		 struct tracked *found, struct sn_err *err);
int tracker_clean(struct tracker *t, const struct pagemap *keys, struct sn_err *err);

/*
 * Puts pages into anonymous memory that has been scanned and is empty there, as unchanged as
 * the tracker can make it. May be called on several threads at once.
 */
int tracker_place(struct tracker *t, uint64_t addr, const uint8_t *pages, uint64_t count,
		  struct sn_err *err);

/* Whether this kind knows anything of a running process, and whether it can take note of it. */
bool tracker_tells_running(const struct tracker *t);
bool tracker_scans_running(const struct tracker *t);
/*
 * tracker_scan of a process that runs, by mappings that may have changed by now: the scan of the
 * frozen process has the last word. A page that is written while or after it is scanned is in
 * the next scan. Where it cannot be scanned now, all that a look finds is unknown.
 */
int tracker_scan_running(struct tracker *t, pid_t pid, const Sn__Task *model,
			 struct tracked *found, struct sn_err *err);

/*
 * What tracker_scan would find, without taking note of it: nothing of the process, and nothing the
 * next scan finds, is other than without. What it finds of a process that runs is about right.
 */
int tracker_look(struct tracker *t, pid_t pid, const Sn__Task *model, struct tracked *found,
		 struct sn_err *err);

/* What the last scan found was not kept: the next calls everything changed. */
void tracker_lost(struct tracker *t);

#endif
