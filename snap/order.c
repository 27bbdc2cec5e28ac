// SPDX-License-Identifier: Apache-2.0
#include "snap/order.h"

#include "core/base/guard.h"

enum {
	ANCESTORS_MAX = 16,
	CHILDREN_MAX = 8, /* the newest: each is a page map to be read */
};

/* Of itself, else of the nearest ancestor that has any. */
static void find_demanded(struct goal *goal, struct session *session)
{
	sn_auto(pagemap_release) struct pagemap places = {0}, map = {0};
	sn_auto(demands_release) struct demands found = {0};
	sn_auto(pending_release) struct pending pending = {.left = 0};
	struct catalog_snapshot snap;
	int64_t id = goal->id;
	struct sn_err ignored;
	int step;

	for (step = 0; step <= ANCESTORS_MAX && id; step++) {
		if (catalog_demands_load(session->cat, session->app.id, id, &places, &ignored) > 0)
			break;
		pagemap_clear(&places);
		if (catalog_snapshot_find(session->cat, session->app.id, id, &snap, &ignored) < 1)
			return;
		id = snap.parent;
	}
	demands_of_places(&found, &places);
	pagemap_copy(&map, &goal->map);
	pending_init(&pending, &map);
	demands_take(&goal->demanded, &found, &pending);
}

static void add_demanded(struct goal *goal)
{
	uint64_t last = 0;
	size_t i;

	for (i = 0; i < goal->demanded.len; i++)
		demands_append(&goal->order, &goal->demanded.runs[i]);
	for (i = 0; i < goal->demanded.len; i++) {
		const struct page_run *run = &goal->demanded.runs[i];
		uint64_t first = run->key - run->key % DEMANDS_AHEAD_PAGES;
		uint64_t end = run->key + run->count + DEMANDS_AHEAD_PAGES - 1;

		end -= end % DEMANDS_AHEAD_PAGES;
		if (end != last)
			demands_append(&goal->order, &(struct page_run){first, end - first, 0});
		last = end;
	}
}

/* Of the goal's pages those that `newer` has otherwise than `older`. */
static void add_changed(struct goal *goal, const struct pagemap *newer, const struct pagemap *older)
{
	sn_auto(pagemap_release) struct pagemap changed = {0}, ours = {0};

	pagemap_changed(&changed, newer, older);
	pagemap_intersect(&ours, &changed, &goal->map);
	demands_append_map(&goal->order, &ours);
}

static void add_children(struct goal *goal, struct session *session)
{
	sn_auto_free int64_t *ids = NULL;
	struct sn_err ignored;
	size_t count, i;

	if (catalog_snapshot_children(session->cat, session->app.id, goal->id, &ids, &count,
				      &ignored) < 0)
		return;
	for (i = 0; i < count && i < CHILDREN_MAX; i++) {
		sn_auto(pagemap_release) struct pagemap child = {0};

		if (catalog_map_load(session->cat, session->app.id, ids[i], &child, &ignored) == 0)
			add_changed(goal, &child, &goal->map);
	}
}

static void add_recent(struct goal *goal, struct session *session)
{
	sn_auto(pagemap_release) struct pagemap parent = {0};
	struct catalog_snapshot snap;
	struct sn_err ignored;

	if (catalog_snapshot_find(session->cat, session->app.id, goal->id, &snap, &ignored) == 1 &&
	    snap.parent &&
	    catalog_map_load(session->cat, session->app.id, snap.parent, &parent, &ignored) == 0)
		add_changed(goal, &goal->map, &parent);
}

void order_find(struct goal *goal, struct session *session)
{
	find_demanded(goal, session);
	add_demanded(goal);
	add_children(goal, session);
	add_recent(goal, session);
}
