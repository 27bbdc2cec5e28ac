// SPDX-License-Identifier: Apache-2.0
#include "snap/precopy.h"

#include "core/base/guard.h"
#include "core/kinds/mapping.h"
#include "core/track/shared.h"
#include "proto/field.h"
#include "snap/freeze.h"
#include "snap/precopy_objects.h"

enum {
	PASSES_MAX = 6,
	FEW_PAGES = 128,   /* read in some ten microseconds: not worth another pass */
	MUCH_PAGES = 1024, /* takes longer to read than a freeze by itself */
	SCANNED_PER_READ = 16, /* pages whose entries are read in the time of one page */
};

void copies_release(struct copies *copies)
{
	pagemap_release(&copies->at);
	pagemap_release(&copies->owed);
	pagemap_release(&copies->known);
	pagemap_release(&copies->objects);
	pagemap_release(&copies->kept);
	*copies = (struct copies){0};
}

const uint8_t *copies_page(const struct session *session, uint64_t loc)
{
	return session->buffer.bytes + (loc - 1) * PAGE_BYTES;
}

static void read_pages(struct session *session, struct copies *copies, const struct pagemap *keys)
{
	sn_auto(pagemap_release) struct pagemap copied = {0};
	sn_auto(pagemap_release) struct pagemap missed = {0};

	copies->used += mem_read_running(session->app.pid, keys,
					 session->buffer.bytes + copies->used * PAGE_BYTES,
					 copies->used + 1, &copied, &missed);
	/* warming it further must begin behind what lies there now */
	if (session->buffer.warm < copies->used * PAGE_BYTES)
		session->buffer.warm = copies->used * PAGE_BYTES;
	pagemap_add(&copies->at, &copied);
	pagemap_add(&copies->owed, &missed);
}

/* What changed since the last scan, and is scanned now; and what is unknown. */
static int scan_running(struct session *session, struct tracked *found, struct sn_err *err)
{
	Sn__Task *model = message_new(&sn__task__descriptor);
	int result = -1;

	if (mapping_sketch(model, session->app.pid, err) == 0 &&
	    tracker_scan_running(session->tracker, session->app.pid, model, found, err) == 0)
		result = 0;
	sn__task__free_unpacked(model, NULL);
	return result;
}

/* The unknown is more than is read in the time that a freeze for it takes, and shrinks. */
static bool is_worth_a_freeze(const struct session *session, const struct tracked *found,
			      size_t before)
{
	size_t unknown = pagemap_pages(&found->unknown), much = MUCH_PAGES;

	/* at first all is unknown; later what is there is about what the base has */
	if (!tracker_scans_running(session->tracker))
		much += pagemap_pages(&session->base) / SCANNED_PER_READ;
	return unknown > much && unknown <= before / 4 * 3;
}

/* Frozen for a moment, all private memory is scanned, and memory objects (NULL: not those). */
static int scan_frozen(struct session *session, const struct collect_hints *hints,
		       struct tracked *found, struct objects_ahead *ahead,
		       struct copies *copies, struct sn_err *err)
{
	sn_auto(frozen_release) struct frozen frozen = {0};
	sn_auto(tracked_release) struct tracked all = {0};
	struct pagemap left = {0};

	if (freeze(&frozen, session, hints, NULL, err) < 0 ||
	    tracker_scan(session->tracker, frozen.remote, frozen.image->tasks[0], &all, err) < 0 ||
	    (ahead && objects_scan(session, &frozen, ahead, copies, err) < 0))
		return -1;
	copies->stop_ns += thaw(&frozen);
	pagemap_subtract(&left, &found->unknown, &all.dirty);
	pagemap_release(&found->unknown);
	found->unknown = left;
	pagemap_add(&found->dirty, &all.dirty);
	pagemap_add(&found->present, &all.present);
	return 0;
}

/* before: pages of the pass before this one. */
static int scan_pass(struct session *session, const struct collect_hints *hints, size_t before,
		     struct tracked *found, struct copies *copies, struct sn_err *err)
{
	if (scan_running(session, found, err) < 0 ||
	    (is_worth_a_freeze(session, found, before) &&
	     scan_frozen(session, hints, found, NULL, copies, err) < 0))
		return -1;
	pagemap_add(&copies->owed, &found->unknown);
	return 0;
}

/* Shared memory. *found: what the freezes for it have found of private memory. */
static int copy_objects(struct session *session, const struct collect_hints *hints,
			struct tracked *found, struct copies *copies, struct sn_err *err)
{
	sn_auto(objects_ahead_release) struct objects_ahead ahead = {0};
	pid_t pid = session->app.pid;

	copies->tried_objects = true;
	if (!tracker_can_look_for_users(session->tracker, pid) &&
	    scan_frozen(session, hints, found, NULL, copies, err) < 0)
		return -1;
	if (!tracker_can_look_for_users(session->tracker, pid))
		return 0;
	tracker_look_for_users(session->tracker, pid);
	tracker_meet_objects(session->tracker, pid);
	if (scan_frozen(session, hints, found, &ahead, copies, err) < 0)
		return -1;
	objects_read(session, &ahead, copies);
	return 0;
}

int precopy(struct session *session, const struct collect_hints *hints, struct copies *copies,
	    struct sn_err *err)
{
	sn_auto(tracked_release) struct tracked found = {0};
	sn_auto(tracked_release) struct tracked first = {0};
	size_t before = SIZE_MAX, pass;

	if (objects_are_worth_it(session) &&
	    copy_objects(session, hints, &first, copies, err) < 0)
		return -1;
	for (pass = 0;; pass++) {
		size_t pages;

		if (scan_pass(session, hints, before, &found, copies, err) < 0)
			return -1;
		if (pass == 0) {
			pagemap_add(&found.dirty, &first.dirty);
			pagemap_add(&found.present, &first.present);
			tracked_add_missing(&found, &session->base);
		}
		pages = pagemap_pages(&found.dirty);
		copies->last = pages + pagemap_pages(&found.unknown);
		if ((copies->used + pages) * PAGE_BYTES > session->buffer.cap) {
			pagemap_add(&copies->owed, &found.dirty);
			return 0;
		}
		read_pages(session, copies, &found.dirty);
		if (pass == PASSES_MAX || pages <= FEW_PAGES || pages > before / 4 * 3)
			return 0;
		before = pages;
	}
}
