// SPDX-License-Identifier: Apache-2.0
#include "snap/precopy.h"

#include "core/base/guard.h"
#include "core/kinds/mapping.h"
#include "proto/field.h"
#include "snap/freeze.h"

enum {
	PASSES_MAX = 6,
	FEW_PAGES = 128,   /* read in some ten microseconds: not worth another pass */
	MUCH_PAGES = 1024, /* takes longer to read than a freeze by itself */
};

void copies_release(struct copies *copies)
{
	pagemap_release(&copies->at);
	pagemap_release(&copies->owed);
	pagemap_release(&copies->known);
	*copies = (struct copies){0};
}

const uint8_t *copies_page(const struct session *session, uint64_t loc)
{
	return session->buffer.bytes + (loc - 1) * PAGE_BYTES;
}

/* Copies of pages that are in both are the later ones. */
static void overlay(struct pagemap *to, const struct pagemap *later)
{
	struct pagemap both = {0};

	pagemap_overlay(&both, to, later);
	pagemap_release(to);
	*to = both;
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
	overlay(&copies->at, &copied);
	overlay(&copies->owed, &missed);
}

/* What changed since the last scan. Memory that is not tracked is left to the frozen part. */
static int scan_running(struct session *session, struct tracked *found, struct copies *copies,
			struct sn_err *err)
{
	Sn__Task *model = message_new(&sn__task__descriptor);
	int result = -1;

	if (mapping_sketch(model, session->app.pid, err) == 0 &&
	    tracker_scan_running(session->tracker, model, found, err) == 0)
		result = 0;
	sn__task__free_unpacked(model, NULL);
	overlay(&copies->owed, &found->unknown);
	return result;
}

/* The same, frozen for a moment, for all memory. */
static int scan_frozen(struct session *session, const struct collect_hints *hints,
		       struct tracked *found, struct copies *copies, struct sn_err *err)
{
	sn_auto(frozen_release) struct frozen frozen = {0};
	sn_auto(tracked_release) struct tracked all = {0};

	if (freeze(&frozen, session, hints, NULL, err) < 0 ||
	    tracker_scan(session->tracker, frozen.remote, frozen.image->tasks[0], &all, err) < 0)
		return -1;
	copies->stop_ns = thaw(&frozen);
	overlay(&found->dirty, &all.dirty);
	overlay(&found->present, &all.present);
	pagemap_clear(&copies->owed);
	return 0;
}

/* The first pass also finds what the base lacks. */
static int scan_first(struct session *session, const struct collect_hints *hints,
		      struct tracked *found, struct copies *copies, struct sn_err *err)
{
	bool armed = tracker_is_armed(session->tracker, session->app.pid);

	if (armed && scan_running(session, found, copies, err) < 0)
		return -1;
	if ((!armed || pagemap_pages(&copies->owed) > MUCH_PAGES) &&
	    scan_frozen(session, hints, found, copies, err) < 0)
		return -1;
	tracked_add_missing(found, &session->base);
	return 0;
}

int precopy(struct session *session, const struct collect_hints *hints, struct copies *copies,
	    struct sn_err *err)
{
	sn_auto(tracked_release) struct tracked found = {0};
	size_t before = SIZE_MAX, pass;

	if (scan_first(session, hints, &found, copies, err) < 0)
		return -1;
	for (pass = 0;; pass++) {
		copies->last = pagemap_pages(&found.dirty);
		if ((copies->used + copies->last) * PAGE_BYTES > session->buffer.cap) {
			overlay(&copies->owed, &found.dirty);
			return 0;
		}
		read_pages(session, copies, &found.dirty);
		if (pass == PASSES_MAX || copies->last <= FEW_PAGES ||
		    copies->last > before / 4 * 3)
			return 0;
		before = copies->last;
		if (scan_running(session, &found, copies, err) < 0)
			return -1;
	}
}
