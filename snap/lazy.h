/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lazy filling: the restored application runs at once, and a thread of ours places its pages:
 * one that is touched as soon as it is, the others in the background, in the order of order.h.
 * Internal to snap/.
 *
 *	lazy_begin     frozen, mappings as wanted: nothing of `pages` is there
 *	thaw           the application runs, and waits for what it touches
 *	lazy_fd        polls readable when all is there
 *	lazy_wait      waits until then; the thread goes on to serve: memory that was empty
 *	               before is still watched
 *	lazy_end       frozen again: before tracker_miss_close
 *
 * Until lazy_wait has returned the application must not outlive us: what is not there yet
 * would read as zeros.
 */
#ifndef SNAP_LAZY_H
#define SNAP_LAZY_H

#include "snap/converge.h"

struct lazy;

/*
 * pages: all there is to place, with locations; taken, and so are the goal's `order` and
 * `demanded`. The tracker's userfaultfd tells of missing pages in their
 * memory (tracker_miss_range).
 */
int lazy_begin(struct lazy **lazy, struct session *session, struct pagemap *pages,
	       struct goal *goal, struct sn_err *err);
int lazy_fd(const struct lazy *lazy);

/* Fails when a page could not be read: then the application was ended. */
int lazy_wait(struct lazy *lazy, struct sn_err *err);

/*
 * After lazy_wait, once: what earlier restores were asked for, then what this one was, as far as
 * the snapshot's page map `map` has it. Empty when there is nothing new in it.
 */
void lazy_demands(struct lazy *lazy, const struct pagemap *map, struct demands *demands);

void lazy_end(struct lazy *lazy); /* NULL is fine */

#endif
