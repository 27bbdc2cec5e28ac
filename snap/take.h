/* SPDX-License-Identifier: Apache-2.0 */
/* Taking a snapshot as part of another use case. Internal to snap/. */
#ifndef SNAP_TAKE_H
#define SNAP_TAKE_H

#include "snap/freeze.h"
#include "snap/store.h"

/* snap_take of a process that lives and has been looked at: `hints` of collect_prepare.
 * begun: when the whole command was, monotonic ns. */
int take(struct session *session, const struct take_options *options,
	 const struct collect_hints *hints, uint64_t begun, struct catalog_snapshot *taken,
	 struct sn_err *err);

/* Parts of it that look.c needs, too. */

/* Gets the session's buffer ready before anything stands still; and lets go of what is too much. */
int take_reserve_buffer(struct session *session, const struct take_options *options,
			struct sn_err *err);
void take_trim_buffer(struct session *session);
/* Makes sure of a tracker: the one there is, or by name. */
int take_choose_tracker(struct session *session, const char *name, struct sn_err *err);
/* Reads private pages of the frozen task into the buffer; `left` gets their places. */
int take_copy_frozen(struct session *session, const struct task *task, struct copies *copies,
		     struct pagemap *left, struct sn_err *err);
/* And those of memory objects that are not as the base has them: take->objects, take->kept. */
int take_copy_objects(struct session *session, struct frozen *frozen, struct take *take,
		      struct sn_err *err);
/* What files are is not asked while the application stands still. */
void take_identify_files(Sn__Image *image);

#endif
