/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of many snapshots by key, out of the chains of page maps (maps.h): a full map and deltas,
 * each of which is kept as it was read. Asked for is the newest first.
 *
 * What a map is does not change while its snapshot exists, so a chain that was read stays true
 * when a snapshot in its middle is dropped and the maps behind it are stored anew.
 */
#include "catalog/db.h"
#include "catalog/mapcode.h"
#include "catalog/maps.h"
#include "core/base/mem.h"

#include <search.h>

enum {
	/* What is kept is thrown away beyond this: 96 MiB. */
	KEPT_RUNS_MAX = 1 << 22,
};

/* A record as it was read. */
struct link {
	int64_t id;
	int64_t base; /* 0: the runs are the whole map */
	const struct link *next; /* that of base */
	struct pagemap runs;
};

struct catalog_locator {
	struct catalog *cat;
	int64_t app_id;
	int hold;
	void *links; /* tsearch(3) by id */
	size_t kept_runs;
};

static int by_id(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void link_free(void *p)
{
	struct link *link = p;

	pagemap_release(&link->runs);
	free(link);
}

static void forget(struct catalog_locator *locator)
{
	tdestroy(locator->links, link_free);
	locator->links = NULL;
	locator->kept_runs = 0;
}

int catalog_locator_open(struct catalog_locator **locator, struct catalog *cat, int64_t app_id,
			 struct sn_err *err)
{
	int hold = catalog_hold(cat, err);

	if (hold < 0)
		return -1;
	*locator = sn_calloc(1, sizeof(**locator));
	(*locator)->cat = cat;
	(*locator)->app_id = app_id;
	(*locator)->hold = hold;
	return 0;
}

void catalog_locator_close(struct catalog_locator *locator)
{
	if (!locator)
		return;
	forget(locator);
	close(locator->hold);
	free(locator);
}

static struct link *find(struct catalog_locator *locator, int64_t id)
{
	const struct link wanted = {.id = id};
	struct link **found = tfind(&wanted, &locator->links, by_id);

	return found ? *found : NULL;
}

static struct link *read_link(struct catalog_locator *locator, int64_t id, struct sn_err *err)
{
	struct link *link = sn_calloc(1, sizeof(*link));

	link->id = id;
	if (map_record_runs(locator->cat, locator->app_id, id, &link->runs, &link->base, err) < 0) {
		link_free(link);
		return NULL;
	}
	if (!tsearch(link, &locator->links, by_id))
		abort();
	locator->kept_runs += link->runs.len;
	return link;
}

/* From the snapshot to a full map, or to what has been read before. */
static int read_chain(struct catalog_locator *locator, int64_t id, struct sn_err *err)
{
	struct link *link = read_link(locator, id, err);

	for (size_t depth = 0; link && link->base; depth++) {
		struct link *next = find(locator, link->base);

		if (depth > MAP_CHAIN_MAX)
			return sn_fail(err, "the page map of snapshot %lld builds on more maps "
					    "than any can", (long long)id);
		link->next = next ? next : read_link(locator, link->base, err);
		if (next)
			return 0;
		link = (struct link *)link->next;
	}
	return link ? 0 : -1;
}

/* In one transaction: between two, a drop could take away what the first has seen named. */
static int load(struct catalog_locator *locator, int64_t id, struct sn_err *err)
{
	sn_auto(db_txn_end) struct db_txn txn = {0};

	if (locator->kept_runs > KEPT_RUNS_MAX)
		forget(locator);
	if (db_txn_begin_read(&txn, locator->cat->db, err) < 0)
		return -1;
	if (read_chain(locator, id, err) == 0)
		return 0;
	forget(locator); /* half a chain is none */
	return -1;
}

int catalog_locate(struct catalog_locator *locator, int64_t id, uint64_t key, uint64_t *loc,
		   struct sn_err *err)
{
	const struct link *link = find(locator, id);

	if (!link) {
		if (load(locator, id, err) < 0)
			return -1;
		link = find(locator, id);
	}
	for (; link; link = link->next) {
		if (pagemap_find(&link->runs, key, loc))
			return mapcode_is_gone(*loc) ? 0 : 1;
	}
	return 0;
}
