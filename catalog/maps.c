/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/maps.h"

#include "catalog/db.h"
#include "catalog/mapcode.h"
#include "catalog/sum.h"
#include "core/base/mem.h"

#include <errno.h>
#include <stdlib.h>

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

#define MAP_COLUMNS "base, depth, chain_runs, whole_sum, sum, bytes"

static const char load_sql[] =
	"SELECT " MAP_COLUMNS " FROM maps WHERE app_id = ? AND id = ?";

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

/* The deltas that bring a full map forward to a snapshot's, newest first. */
struct chain {
	struct pagemap deltas[MAP_CHAIN_MAX];
	size_t len;
};

static void chain_release(struct chain *chain)
{
	for (size_t i = 0; i < chain->len; i++)
		pagemap_release(&chain->deltas[i]);
}

static int chain_add(struct chain *chain, const struct map_record *record, struct sn_err *err)
{
	struct pagemap *delta = &chain->deltas[chain->len];

	if (chain->len == MAP_CHAIN_MAX)
		return sn_fail_code(err, EUCLEAN, "it builds on more maps than any can");
	chain->len++;
	*delta = (struct pagemap){.len = 0};
	return mapcode_decode(delta, record->bytes, record->len, err);
}

/*
 * Joins the deltas, pairwise, so that each run is looked at log2(64) times and
 * those of the full map, of which there are many more, only once.
 */
static void chain_fold(struct chain *chain)
{
	for (size_t step = 1; step < chain->len; step *= 2)
		for (size_t i = 0; i + step < chain->len; i += 2 * step) {
			struct pagemap *newer = &chain->deltas[i], *older = newer + step;
			struct pagemap both = {.len = 0};

			pagemap_overlay(&both, older, newer);
			pagemap_release(older);
			pagemap_release(newer);
			*newer = both;
		}
}

/* Takes the full map in the record forward. */
static int chain_apply(struct chain *chain, const struct map_record *record,
		       struct pagemap *map, struct sn_err *err)
{
	static const struct pagemap none;

	chain_fold(chain);
	return mapcode_decode_forward(map, record->bytes, record->len,
				      chain->len ? &chain->deltas[0] : &none, err);
}

/* Reads one record with the statement that load_sql was prepared into. */
static int record_next(sqlite3_stmt *stmt, int64_t app_id, int64_t id, struct map_record *record,
		       struct sn_err *err)
{
	int r;

	sqlite3_reset(stmt);
	sqlite3_bind_int64(stmt, 1, app_id);
	sqlite3_bind_int64(stmt, 2, id);
	r = db_step(stmt, err);
	if (!r)
		return sn_fail_code(err, EUCLEAN, "it is not there");
	return r < 0 ? -1 : record_read(stmt, app_id, id, record, err);
}

/* One step from a snapshot to what its map builds on. */
static int load_step(sqlite3_stmt *stmt, int64_t app_id, int64_t id, struct chain *chain,
		     struct map_record *record, struct pagemap *map, struct sn_err *err)
{
	if (record_next(stmt, app_id, id, record, err) < 0)
		return -1;
	return record->base ? chain_add(chain, record, err) : chain_apply(chain, record, map, err);
}

static int load_chain(struct catalog *cat, int64_t app_id, int64_t id, struct pagemap *map,
		      uint64_t *whole_sum, struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	sn_auto(chain_release) struct chain chain = {.len = 0};
	struct map_record record = {.base = id};

	if (db_query(cat->db, err, &stmt, load_sql, "ii", app_id, id) < 0)
		return -1;
	for (int64_t at = id; at; at = record.base) {
		if (load_step(stmt, app_id, at, &chain, &record, map, err) == 0) {
			if (at == id)
				*whole_sum = record.whole_sum;
			continue;
		}
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

int map_load(struct catalog *cat, int64_t app_id, int64_t id, struct pagemap *map,
	     struct sn_err *err)
{
	uint64_t whole_sum = 0;

	if (load_chain(cat, app_id, id, map, &whole_sum, err) < 0)
		return -1;
	if (mapcode_sum(map) != whole_sum)
		return sn_fail_code(err, EUCLEAN, "the page map of snapshot %lld is damaged: its "
				    "parts do not make the whole", (long long)id);
	return 0;
}

int map_record_runs(struct catalog *cat, int64_t app_id, int64_t id, struct pagemap *runs,
		    int64_t *base, struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	struct map_record record;

	pagemap_clear(runs);
	if (db_query(cat->db, err, &stmt, load_sql, "ii", app_id, id) < 0)
		return -1;
	if (record_next(stmt, app_id, id, &record, err) < 0 ||
	    mapcode_decode(runs, record.bytes, record.len, err) < 0)
		return sn_ctx(err, "the page map of snapshot %lld", (long long)id);
	*base = record.base;
	return 0;
}

/* Whether all records that loading the map of `id` would read are undamaged: 1, 0, -1. */
static int chain_is_sound(struct catalog *cat, int64_t app_id, int64_t id, struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	struct map_record record = {.base = id};
	int links = 0;

	if (db_query(cat->db, err, &stmt, load_sql, "ii", app_id, id) < 0)
		return -1;
	for (int64_t at = id; at; at = record.base) {
		if (record_next(stmt, app_id, at, &record, err) < 0)
			return err->code == EUCLEAN ? 0 : -1;
		if (links++ > MAP_CHAIN_MAX)
			return 0;
	}
	return 1;
}

int maps_each(struct catalog *cat, int64_t app_id, int64_t above, maps_fn *fn, void *arg,
	      struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap runs = {0};
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	struct map_record record;
	int r;

	if (db_query(cat->db, err, &stmt,
		     "SELECT " MAP_COLUMNS ", id FROM maps WHERE app_id = ? AND id > ?", "ii",
		     app_id, above) < 0)
		return -1;
	while ((r = db_step(stmt, err)) > 0) {
		int64_t id = sqlite3_column_int64(stmt, 6);

		pagemap_clear(&runs);
		if (record_read(stmt, app_id, id, &record, err) < 0 ||
		    mapcode_decode(&runs, record.bytes, record.len, err) < 0)
			return sn_ctx(err, "the page map of snapshot %lld", (long long)id);
		if (fn(arg, app_id, id, &runs, err) < 0)
			return -1;
	}
	return r;
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
 * parent's map is damaged is no reason not to take a snapshot, but one to build on
 * nothing; so the records are verified also when there is no need to decode them.
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
		r = chain_is_sound(cat, app_id, parent, err);
		*from = r > 0 ? parent_map : NULL;
		return r < 0 ? -1 : 0;
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

static int by_id(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static bool is_among(int64_t id, const int64_t *ids, size_t count)
{
	return bsearch(&id, ids, count, sizeof(*ids), by_id) != NULL;
}

/* The nearest map in the chain of `id`, itself included, that stays; 0: none. */
static int staying_base(struct catalog *cat, int64_t app_id, int64_t id, const int64_t *ids,
			size_t count, int64_t *base, struct sn_err *err)
{
	struct map_record record;
	int links = 0;

	for (*base = id; *base && is_among(*base, ids, count); *base = record.base) {
		record.base = 0;
		if (map_peek(cat, app_id, *base, &record, err) < 0)
			return -1;
		if (links++ > MAP_CHAIN_MAX)
			return sn_fail_code(err, EUCLEAN, "the page map of snapshot %lld builds on "
					    "more maps than any can", (long long)id);
	}
	return 0;
}

/*
 * Depths of maps further down are not touched, so that of a dependant must not
 * grow: what built on a full map becomes full itself.
 */
static int rebase(struct catalog *cat, int64_t app_id, int64_t id, int64_t base,
		  struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap map = {0};
	sn_auto(map_record_release) struct map_record record = {0};

	if (map_load(cat, app_id, id, &map, err) < 0 ||
	    map_record_make(cat, &record, app_id, id, base, &map, NULL, err) < 0)
		return -1;
	return map_record_store(cat, &record, err);
}

/* Those that build on what goes are stored anew once, however much of their chain goes. */
int maps_leave(struct catalog *cat, int64_t app_id, const int64_t *ids, size_t count,
	       struct sn_err *err)
{
	for (size_t i = 0; i < count; i++) {
		sn_auto_free int64_t *found = NULL;
		size_t found_count = 0;
		int64_t base;

		if (db_numbers(cat->db, err, &found, &found_count,
			       "SELECT id FROM maps WHERE app_id = ? AND base = ?", "ii", app_id,
			       ids[i]) < 0 ||
		    staying_base(cat, app_id, ids[i], ids, count, &base, err) < 0)
			return -1;
		for (size_t k = 0; k < found_count; k++)
			if (!is_among(found[k], ids, count) &&
			    rebase(cat, app_id, found[k], base, err) < 0)
				return -1;
	}
	return 0;
}
