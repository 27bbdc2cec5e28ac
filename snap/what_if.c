// SPDX-License-Identifier: Apache-2.0
/*
 * what if: the parent's image and page map -> pages and registers that were assigned -> a
 * snapshot beside the application's life
 */
#include "snap/what_if.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/image.h"
#include "snap/session.h"
#include "snap/store.h"

/* The parent's, but for what is the new one's own. */
static void describe(const struct catalog_snapshot *parent, const struct what_if_options *options,
		     const struct pagemap *map, uint64_t changed_pages,
		     struct catalog_snapshot *snap)
{
	*snap = (struct catalog_snapshot){
		.app_id = parent->app_id,
		.parent = parent->id,
		.tracker = "none", /* nothing was tracked */
		.taker = TAKEN_BY_PERSON,
		.tasks = parent->tasks,
		.threads = parent->threads,
		.resident_pages = pagemap_pages(map),
		.dirty_pages = changed_pages,
		.copied_bytes = changed_pages * PAGE_BYTES,
	};
	snprintf(snap->message, sizeof(snap->message), "%s",
		 options->message ? options->message : "");
	snprintf(snap->tag, sizeof(snap->tag), "%s", options->tag ? options->tag : "");
}

/* Stores the changed pages; `map` is the new snapshot's. The parent's map is read anew, for gc may
 * have moved pages since the inspect was opened: within a put it does not. */
static int put_pages(struct inspect *in, struct catalog_put *put, struct pagemap *parent_map,
		     struct pagemap *map, uint64_t *changed_pages, struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap at = {0};
	sn_auto(pagemap_release) struct pagemap stored = {0};
	sn_auto(pagemap_release) struct pagemap changed = {0};
	sn_auto_free uint8_t *pages = NULL;
	struct inspect_state state;

	inspect_state(in, &state);
	inspect_changed_pages(in, &at, &pages);
	if (catalog_map_load(state.cat, state.app_id, state.id, parent_map, err) < 0 ||
	    store_pages(state.cat, put, parent_map, &at, pages, &stored, err) < 0)
		return -1;
	pagemap_overlay(map, parent_map, &stored);
	pagemap_changed(&changed, map, parent_map);
	*changed_pages = pagemap_pages(&changed);
	return 0;
}

static int put_all(struct inspect *in, const struct catalog_snapshot *parent,
		   const struct what_if_options *options, struct catalog_snapshot *made,
		   struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap parent_map = {0};
	sn_auto(pagemap_release) struct pagemap map = {0};
	sn_auto_free uint8_t *image = NULL;
	uint64_t begun = session_now_ns(), changed_pages;
	struct catalog_put *put;
	struct inspect_state state;
	size_t image_len;

	inspect_state(in, &state);
	if (catalog_put_begin(state.cat, state.app_id, state.id, &put, err) < 0)
		return -1;
	catalog_put_beside(put);
	if (put_pages(in, put, &parent_map, &map, &changed_pages, err) < 0) {
		catalog_put_abort(put);
		return -1;
	}
	describe(parent, options, &map, changed_pages, made);
	image_pack(state.image, &image, &image_len);
	made->wall_ns = session_now_ns() - begun;
	if (catalog_put_commit(put, made, image, image_len, &map, &parent_map, err) < 0)
		return -1;
	inspect_settle(in, made->id, &map);
	return 0;
}

int snap_what_if(struct inspect *in, const struct what_if_options *options,
		 struct catalog_snapshot *made, struct sn_err *err)
{
	struct catalog_snapshot parent;
	struct inspect_state state;
	int found;

	inspect_state(in, &state);
	found = catalog_snapshot_find(state.cat, state.app_id, state.id, &parent, err);
	if (found == 0)
		return sn_fail(err, "snapshot %ld was dropped meanwhile", (long)state.id);
	if (found < 0 || (options->tag && catalog_tag_check(state.cat, state.app_id, 0,
							    options->tag, err) < 0))
		return -1;
	return put_all(in, &parent, options, made, err);
}
