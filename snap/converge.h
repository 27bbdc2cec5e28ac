/* SPDX-License-Identifier: Apache-2.0 */
/*
 * converge: the one way to a wanted model, for revert and restore alike. Internal to snap/.
 *
 *	look up -> materialise -> converge -> thaw
 */
#ifndef SNAP_CONVERGE_H
#define SNAP_CONVERGE_H

#include "snap/demands.h"
#include "snap/freeze.h"

/* A snapshot, looked up and made ready before anything stands still. */
struct goal {
	int64_t id;
	Sn__Image *image;
	struct pagemap map;
	int hold; /* catalog_hold, while it is held */
	bool held;
	struct demands demanded;  /* of a lazy one: order.h */
	struct demands order;
	struct pagemap ready;     /* pages already read; location: index in `pages` */
	struct page_buffer pages;
};

int goal_load(struct goal *goal, struct session *session, int64_t id, struct sn_err *err);
/* Reads the pages that differ from the session's base, as far as that is worth it. */
int goal_prefetch(struct goal *goal, struct session *session, struct sn_err *err);
void goal_release(struct goal *goal);

struct converge_options {
	bool blank;
	bool lazy; /* what of its memory can come later does: session->lazy */
	const char *tty;
};

/*
 * Brings the frozen process to the goal. Fails with *touched false when nothing of it was
 * changed; with *touched true it is neither what it was nor the goal. The session counts
 * from the goal afterwards.
 */
int converge(struct session *session, struct frozen *frozen, struct goal *goal,
	     const struct converge_options *options, struct snap_notes *notes,
	     uint64_t *written_pages, bool *touched, struct sn_err *err);

/* Stops or continues the thawed process as the goal was. */
void converge_stop_state(const struct session *session, const Sn__Image *was,
			 const Sn__Image *goal);

#endif
