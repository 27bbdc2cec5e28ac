/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: a frozen process to a model, two models to a plan, a plan to deeds.
 *
 *	collect_prepare(&hints, pid)          the process still runs
 *	task_freeze -> collect(...)           a model of it
 *	plan_make(&plan, have, want)          pure
 *	plan_apply(&plan, &applying)          the process becomes `want`
 *	remote_close, task_thaw
 *
 * Restore and revert are this one path; they differ in what `have` is: a process made to
 * be filled (blank_make), or the living one.
 */
#ifndef CORE_TREE_TREE_H
#define CORE_TREE_TREE_H

#include "core/kinds/kind.h"
#include "core/kinds/plan.h"
#include "core/kinds/smaps.h"
#include "core/task/blocked.h"

/* ---- collect ---- */

/* What is read while the process runs, so that the stop is shorter. */
struct collect_hints {
	struct smaps smaps;
	struct remote_gadgets gadgets;
	struct blocked blocked;
};

/* Refuses processes of kinds nobody handles (children, seccomp), before they are touched. */
int collect_prepare(struct collect_hints *hints, pid_t pid, struct smaps_source *source,
		    struct sn_err *err);
/* The one of them that may come to be between that look and the freeze: to be asked again after
 * the thaw, when it costs the process nothing. */
int collect_refuse_children(pid_t pid, struct sn_err *err);
void collect_hints_release(struct collect_hints *hints);

/*
 * Opens the remote calls of a frozen task and reads its whole model. On failure neither is
 * left. `for_model` (NULL: none) is a model the task is to become: the window is placed where
 * it is in nobody's way; *hole is that place.
 */
int collect(struct task *task, const struct collect_hints *hints, const struct kernel_caps *caps,
	    const Sn__Image *for_model, struct remote **remote, Sn__Image **image,
	    uint64_t *hole, struct sn_err *err);

/* ---- plan ---- */

/* Both images have one task. Fails on what no step could do. */
int plan_make(struct plan *plan, const Sn__Image *have, const Sn__Image *want, bool blank,
	      struct sn_err *err);
void plan_release(struct plan *plan);

/* Refuses a plan with a step this kernel or user cannot do, before anything is touched. */
int plan_permitted(const struct plan *plan, const struct kernel_caps *caps, struct sn_err *err);

/* One line a step, for tests and logs; malloc'd. */
char *plan_text(const struct plan *plan);

/* Why `want` cannot be made in a new process: programs and libraries that changed. Asked
 * before one is made. */
int plan_refuse(const Sn__Image *want, struct sn_err *err);

/* ---- apply ---- */

/*
 * Carries a plan out. `pages` is called once in STAGE_PAGES, when the mappings are as wanted:
 * it puts the contents in. After a failure the task is neither what it was nor what
 * it was to be.
 */
int plan_apply(const struct plan *plan, struct applying *a,
	       int (*pages)(void *arg, struct applying *a, struct sn_err *err), void *arg,
	       struct sn_err *err);
void applying_release(struct applying *a);

/* ---- blank ---- */

/* A new child with this pid that waits to be filled. EEXIST: says who has the pid. */
int blank_make(pid_t pid, struct sn_err *err);

#endif
