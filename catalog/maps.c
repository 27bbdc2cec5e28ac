/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/maps.h"

#include "catalog/db.h"
#include "catalog/mapcode.h"
#include "catalog/sum.h"
#include "core/base/mem.h"

#include <errno.h>

void map_record_release(struct map_record *record)
{
	free(record->bytes);
	*record = (struct map_record){.id = 0};
}

static uint64_t record_checksum(const struct map_record *record)
{
	struct row_sum sum = {.len = 0};

	row_sum_int(&sum, (uint64_t)record->app_id);
	row_sum_int(&sum, (uint64_t)record->id);
	row_sum_int(&sum, (uint64_t)record->base);
	row_sum_int(&sum, record->depth);
	row_sum_int(&sum, record->chain_runs);
	row_sum_int(&sum, record->whole_sum);
	return row_sum_end_blob(&sum, record->bytes, record->len);
}

int map_record_store(struct catalog *cat, const struct map_record *record, struct sn_err *err)
{
	return db_run(cat->db, err,
		      "INSERT INTO maps (app_id, id, base, depth, chain_runs, whole_sum, sum,"
		      " bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
		      " ON CONFLICT (app_id, id) DO UPDATE SET base = excluded.base,"
		      " depth = excluded.depth, chain_runs = excluded.chain_runs,"
		      " whole_sum = excluded.whole_sum, sum = excluded.sum,"
		      " bytes = excluded.bytes",
		      "iiziiiib", record->app_id, record->id, record->base,
		      (int64_t)record->depth, (int64_t)record->chain_runs,
		      (int64_t)record->whole_sum, (int64_t)record_checksum(record), record->bytes,
		      record->len);
}

/* ---- loading ---- */

static const char load_sql[] =
	"SELECT base, depth, chain_runs, whole_sum, sum, bytes FROM maps"
	" WHERE app_id = ? AND id = ?";

/* The record in the statement's row; its bytes are SQLite's until the next step. */
static int record_read(sqlite3_stmt *stmt, int64_t app_id, int64_t id, struct map_record *record,
		       struct sn_err *err)
{
	const void *bytes = sqlite3_column_blob(stmt, 5);

	*record = (struct map_record){
		.app_id = app_id,
		.id = id,
		.base = sqlite3_column_int64(stmt, 0),
		.depth = (uint32_t)sqlite3_column_int64(stmt, 1),
		.chain_runs = (uint64_t)sqlite3_column_int64(stmt, 2),
		.whole_sum = (uint64_t)sqlite3_column_int64(stmt, 3),
		.bytes = (uint8_t *)bytes,
		.len = (size_t)sqlite3_column_bytes(stmt, 5),
	};
	if ((uint64_t)sqlite3_column_int64(stmt, 4) != record_checksum(record))
		return sn_fail_code(err, EUCLEAN, "its record does not match its checksum");
	return 0;
}

/* The maps a snapshot's map is made of, newest first; the last is a full one. */
struct chain {
	struct pagemap maps[MAP_CHAIN_MAX + 1];
	size_t len;
	uint64_t whole_sum;
};

static void chain_release(struct chain *chain)
{
	for (size_t i = 0; i < chain->len; i++)
		pagemap_release(&chain->maps[i]);
}

/* Reads the map of `id` into the chain; *base is what it builds on. */
static int chain_add(sqlite3_stmt *stmt, int64_t app_id, int64_t id, struct chain *chain,
		     int64_t *base, struct sn_err *err)
{
	struct map_record record;
	struct pagemap *map;
	int r;

	if (chain->len == sn_countof(chain->maps))
		return sn_fail_code(err, EUCLEAN, "it builds on more maps than any can");
	sqlite3_reset(stmt);
	sqlite3_bind_int64(stmt, 1, app_id);
	sqlite3_bind_int64(stmt, 2, id);
	r = db_step(stmt, err);
	if (!r)
		return sn_fail_code(err, EUCLEAN, "it is not there");
	if (r < 0 || record_read(stmt, app_id, id, &record, err) < 0)
		return -1;
	map = &chain->maps[chain->len++];
	*map = (struct pagemap){.len = 0};
	if (chain->len == 1)
		chain->whole_sum = record.whole_sum;
	*base = record.base;
	return mapcode_decode(map, record.bytes, record.len, err);
}

static int chain_load(struct catalog *cat, int64_t app_id, int64_t id, struct chain *chain,
		      struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	int64_t base = 0;

	if (db_query(cat->db, err, &stmt, load_sql, "ii", app_id, id) < 0)
		return -1;
	for (int64_t at = id; at; at = base) {
		if (chain_add(stmt, app_id, at, chain, &base, err) == 0)
			continue;
		if (err->code != EUCLEAN)
			return -1;
		if (at == id)
			return sn_ctx(err, "the page map of snapshot %lld is damaged",
				      (long long)id);
		return sn_ctx(err, "the page map of snapshot %lld builds on that of snapshot %lld,"
				   " which is damaged", (long long)id, (long long)at);
	}
	return 0;
}

/*
 * Joins deltas pairwise, so that each of their runs is looked at log2(64) times and
 * the runs of the full map, of which there are many more, only once.
 */
static void chain_fold(struct chain *chain, struct pagemap *map)
{
	struct pagemap *full = &chain->maps[chain->len - 1];
	size_t deltas = chain->len - 1;
	struct pagemap out;

	for (size_t step = 1; step < deltas; step *= 2) {
		for (size_t i = 0; i + step < deltas; i += 2 * step) {
			struct pagemap *newer = &chain->maps[i], *older = newer + step;

			out = (struct pagemap){.len = 0};
			pagemap_overlay(&out, older, newer);
			pagemap_release(older);
			pagemap_release(newer);
			*newer = out;
		}
	}
	if (deltas)
		mapcode_apply(map, full, &chain->maps[0]);
	else
		pagemap_copy(map, full);
}

int map_load(struct catalog *cat, int64_t app_id, int64_t id, struct pagemap *map,
	     struct sn_err *err)
{
	sn_auto(chain_release) struct chain chain = {.len = 0};

	if (chain_load(cat, app_id, id, &chain, err) < 0)
		return -1;
	chain_fold(&chain, map);
	if (mapcode_sum(map) != chain.whole_sum)
		return sn_fail_code(err, EUCLEAN, "the page map of snapshot %lld is damaged: its "
				    "parts do not make the whole", (long long)id);
	return 0;
}

/* ---- making ---- */

/* Reads all of a record but its bytes, unverified; 1, 0 not there, -1. */
static int map_peek(struct catalog *cat, int64_t app_id, int64_t id, struct map_record *record,
		    struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	int r;

	if (db_query(cat->db, err, &stmt,
		     "SELECT base, depth, chain_runs, whole_sum FROM maps"
		     " WHERE app_id = ? AND id = ?", "ii", app_id, id) < 0)
		return -1;
	r = db_step(stmt, err);
	if (r > 0)
		*record = (struct map_record){
			.app_id = app_id,
			.id = id,
			.base = sqlite3_column_int64(stmt, 0),
			.depth = (uint32_t)sqlite3_column_int64(stmt, 1),
			.chain_runs = (uint64_t)sqlite3_column_int64(stmt, 2),
			.whole_sum = (uint64_t)sqlite3_column_int64(stmt, 3),
		};
	return r;
}

/*
 * Finds the map to build on: *from is it, or NULL for none, *base its record. That a
 * parent's map is damaged is no reason not to take a snapshot.
 */
static int find_base(struct catalog *cat, int64_t app_id, int64_t parent,
		     const struct pagemap *parent_map, struct pagemap *loaded,
		     struct map_record *base, const struct pagemap **from, struct sn_err *err)
{
	int r;

	*from = NULL;
	if (!parent)
		return 0;
	r = map_peek(cat, app_id, parent, base, err);
	if (r <= 0 || base->depth >= MAP_CHAIN_MAX)
		return r < 0 ? -1 : 0;
	if (parent_map && mapcode_sum(parent_map) == base->whole_sum) {
		*from = parent_map;
		return 0;
	}
	if (map_load(cat, app_id, parent, loaded, err) == 0)
		*from = loaded;
	else if (err->code != EUCLEAN)
		return -1;
	return 0;
}

static bool delta_pays(const struct map_record *base, const struct pagemap *delta,
		       const struct pagemap *map)
{
	return !delta->len || (delta->len < map->len &&
			       base->chain_runs + delta->len <= 2 * map->len);
}

int map_record_make(struct catalog *cat, struct map_record *record, int64_t app_id, int64_t id,
		    int64_t parent, const struct pagemap *map, const struct pagemap *parent_map,
		    struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap loaded = {0};
	sn_auto(pagemap_release) struct pagemap delta = {0};
	const struct pagemap *from;
	struct map_record base;

	*record = (struct map_record){
		.app_id = app_id,
		.id = id,
		.chain_runs = map->len,
		.whole_sum = mapcode_sum(map),
	};
	if (find_base(cat, app_id, parent, parent_map, &loaded, &base, &from, err) < 0)
		return -1;
	if (from)
		mapcode_diff(&delta, from, map);
	if (from && delta_pays(&base, &delta, map)) {
		record->base = parent;
		record->depth = base.depth + 1;
		record->chain_runs = base.chain_runs + delta.len;
		record->bytes = mapcode_encode(&delta, &record->len);
	} else {
		record->bytes = mapcode_encode(map, &record->len);
	}
	return 0;
}

/* ---- leaving ---- */

/* The snapshots whose maps build on that of `id`, in a malloc'd array. */
static int dependants(struct catalog *cat, int64_t app_id, int64_t id, int64_t **ids,
		      size_t *count, struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	sn_auto_free int64_t *found = NULL;
	size_t len = 0;
	int r;

	if (db_query(cat->db, err, &stmt, "SELECT id FROM maps WHERE app_id = ? AND base = ?",
		     "ii", app_id, id) < 0)
		return -1;
	while ((r = db_step(stmt, err)) > 0) {
		found = sn_realloc(found, len + 1, sizeof(*found));
		found[len++] = sqlite3_column_int64(stmt, 0);
	}
	if (r < 0)
		return -1;
	*ids = sn_steal_ptr(&found);
	*count = len;
	return 0;
}

/*
 * Depths of maps further down are not touched, so that of a dependant must not
 * grow: what built on a full map becomes full itself.
 */
int maps_leave(struct catalog *cat, int64_t app_id, int64_t id, struct sn_err *err)
{
	sn_auto_free int64_t *ids = NULL;
	struct map_record left = {.base = 0};
	size_t count;

	if (dependants(cat, app_id, id, &ids, &count, err) < 0)
		return -1;
	if (count && map_peek(cat, app_id, id, &left, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		sn_auto(pagemap_release) struct pagemap map = {0};
		sn_auto(map_record_release) struct map_record record = {0};

		if (map_load(cat, app_id, ids[i], &map, err) < 0 ||
		    map_record_make(cat, &record, app_id, ids[i], left.base, &map, NULL, err) < 0 ||
		    map_record_store(cat, &record, err) < 0)
			return -1;
	}
	return 0;
}
