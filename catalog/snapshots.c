/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/snapshots.h"

#include "catalog/apps.h"
#include "catalog/db.h"
#include "catalog/lease.h"
#include "catalog/maps.h"
#include "catalog/sum.h"
#include "core/base/guard.h"
#include "core/base/mem.h"

#include <errno.h>
#include <stdlib.h>

#define SNAP_COLUMNS                                                                       \
	"app_id, id, parent, created_ns, message, tag, tracker, automatic, tasks, threads, " \
	"stop_ns, wall_ns, resident_pages, dirty_pages, copied_bytes, stored_bytes, sum"

static uint64_t row_checksum(const struct catalog_snapshot *snap)
{
	struct row_sum sum = {.len = 0};

	row_sum_int(&sum, (uint64_t)snap->app_id);
	row_sum_int(&sum, (uint64_t)snap->id);
	row_sum_int(&sum, (uint64_t)snap->parent);
	row_sum_int(&sum, (uint64_t)snap->created_ns);
	row_sum_text(&sum, snap->message);
	row_sum_text(&sum, snap->tag);
	row_sum_text(&sum, snap->tracker);
	row_sum_int(&sum, snap->taker);
	row_sum_int(&sum, snap->tasks);
	row_sum_int(&sum, snap->threads);
	row_sum_int(&sum, snap->stop_ns);
	row_sum_int(&sum, snap->wall_ns);
	row_sum_int(&sum, snap->resident_pages);
	row_sum_int(&sum, snap->dirty_pages);
	row_sum_int(&sum, snap->copied_bytes);
	row_sum_int(&sum, snap->stored_bytes);
	return row_sum_end(&sum);
}

/* The statement's row of SNAP_COLUMNS. */
static int row_read(sqlite3_stmt *stmt, struct catalog_snapshot *snap, struct sn_err *err)
{
	bool fits;

	*snap = (struct catalog_snapshot){
		.app_id = sqlite3_column_int64(stmt, 0),
		.id = sqlite3_column_int64(stmt, 1),
		.parent = sqlite3_column_int64(stmt, 2),
		.created_ns = sqlite3_column_int64(stmt, 3),
		.taker = (uint32_t)sqlite3_column_int64(stmt, 7),
		.tasks = (uint32_t)sqlite3_column_int64(stmt, 8),
		.threads = (uint32_t)sqlite3_column_int64(stmt, 9),
		.stop_ns = (uint64_t)sqlite3_column_int64(stmt, 10),
		.wall_ns = (uint64_t)sqlite3_column_int64(stmt, 11),
		.resident_pages = (uint64_t)sqlite3_column_int64(stmt, 12),
		.dirty_pages = (uint64_t)sqlite3_column_int64(stmt, 13),
		.copied_bytes = (uint64_t)sqlite3_column_int64(stmt, 14),
		.stored_bytes = (uint64_t)sqlite3_column_int64(stmt, 15),
	};
	fits = db_text(stmt, 4, snap->message, sizeof(snap->message));
	fits &= db_text(stmt, 5, snap->tag, sizeof(snap->tag));
	fits &= db_text(stmt, 6, snap->tracker, sizeof(snap->tracker));
	if (!fits || (uint64_t)sqlite3_column_int64(stmt, 16) != row_checksum(snap))
		return sn_fail_code(err, EUCLEAN, "the record of snapshot %lld is damaged",
				    (long long)snap->id);
	return 0;
}

/* ---- looking ---- */

int snapshot_exists(struct catalog *cat, int64_t app_id, int64_t id, struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;

	if (db_query(cat->db, err, &stmt, "SELECT 1 FROM snapshots WHERE app_id = ? AND id = ?",
		     "ii", app_id, id) < 0)
		return -1;
	return db_step(stmt, err);
}

int catalog_snapshot_find(struct catalog *cat, int64_t app_id, int64_t id,
			  struct catalog_snapshot *snap, struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	int r;

	if (db_query(cat->db, err, &stmt,
		     "SELECT " SNAP_COLUMNS " FROM snapshots WHERE app_id = ? AND id = ?", "ii",
		     app_id, id) < 0)
		return -1;
	r = db_step(stmt, err);
	if (r <= 0)
		return r;
	return row_read(stmt, snap, err) < 0 ? -1 : 1;
}

int catalog_snapshot_by_tag(struct catalog *cat, int64_t app_id, const char *tag,
			    struct catalog_snapshot *snap, struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	int r;

	if (db_query(cat->db, err, &stmt,
		     "SELECT " SNAP_COLUMNS " FROM snapshots WHERE app_id = ? AND tag = ?", "it",
		     app_id, tag) < 0)
		return -1;
	r = db_step(stmt, err);
	if (r <= 0)
		return r;
	return row_read(stmt, snap, err) < 0 ? -1 : 1;
}

int catalog_snapshot_list(struct catalog *cat, int64_t app_id, struct catalog_snapshot **snaps,
			  size_t *count, struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	sn_auto_free struct catalog_snapshot *found = NULL;
	size_t len = 0, cap = 0;
	int r;

	if (db_query(cat->db, err, &stmt,
		     "SELECT " SNAP_COLUMNS " FROM snapshots WHERE app_id = ? ORDER BY id", "i",
		     app_id) < 0)
		return -1;
	while ((r = db_step(stmt, err)) > 0) {
		if (len == cap) {
			cap = cap ? 2 * cap : 16;
			found = sn_realloc(found, cap, sizeof(*found));
		}
		if (row_read(stmt, &found[len++], err) < 0)
			return -1;
	}
	if (r < 0)
		return -1;
	*snaps = sn_steal_ptr(&found);
	*count = len;
	return 0;
}

int catalog_snapshot_children(struct catalog *cat, int64_t app_id, int64_t id, int64_t **ids,
			      size_t *count, struct sn_err *err)
{
	return db_numbers(cat->db, err, ids, count,
			  "SELECT id FROM snapshots WHERE app_id = ? AND parent = ?"
			  " ORDER BY id DESC",
			  "ii", app_id, id);
}

int catalog_snapshots_timed(struct catalog *cat, int64_t app_id, int64_t **ids, size_t *count,
			    struct sn_err *err)
{
	return db_numbers(cat->db, err, ids, count,
			  "SELECT id FROM snapshots WHERE app_id = ? AND automatic = ?"
			  " AND tag IS NULL"
			  " AND id IS NOT (SELECT current FROM apps WHERE apps.id = app_id)"
			  " ORDER BY id",
			  "ii", app_id, (int64_t)TAKEN_BY_TIMER);
}

/* ---- tags ---- */

static int check_words(const char *tag, struct sn_err *err)
{
	size_t len = strlen(tag);

	if (!len || len >= sizeof(((struct catalog_snapshot *)0)->tag))
		return sn_fail(err, "a tag has 1 to %zu characters",
			       sizeof(((struct catalog_snapshot *)0)->tag) - 1);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)tag[i] <= ' ' || tag[i] == 0x7f || tag[i] == '@')
			return sn_fail(err, "a tag has no blanks, control characters and \"@\":"
					    " character %zu is one", i + 1);
	if (tag[0] == '~' || tag[0] == '-' || strcmp(tag, "latest") == 0 ||
	    strspn(tag, "0123456789") == len)
		return sn_fail(err, "\"%s\" is no tag: numbers, \"latest\", and what begins with"
				    " \"~\" or \"-\" mean something else", tag);
	return 0;
}

int catalog_tag_check(struct catalog *cat, int64_t app_id, int64_t id, const char *tag,
		      struct sn_err *err)
{
	struct catalog_snapshot other;
	int r = check_words(tag, err);

	if (r == 0)
		r = catalog_snapshot_by_tag(cat, app_id, tag, &other, err);
	if (r > 0 && other.id != id)
		return sn_fail(err, "the tag %s is taken by snapshot %lld", tag,
			       (long long)other.id);
	return r < 0 ? -1 : 0;
}

static int set_tag(struct catalog *cat, int64_t app_id, int64_t id, const char *tag,
		   struct sn_err *err)
{
	struct catalog_snapshot snap;
	int r = catalog_snapshot_find(cat, app_id, id, &snap, err);

	if (r <= 0)
		return r < 0 ? -1 : sn_fail(err, "there is no such snapshot");
	snprintf(snap.tag, sizeof(snap.tag), "%s", tag);
	return db_run(cat->db, err,
		      "UPDATE snapshots SET tag = ?, sum = ? WHERE app_id = ? AND id = ?", "niii",
		      snap.tag, (int64_t)row_checksum(&snap), app_id, id);
}

int catalog_snapshot_tag(struct catalog *cat, int64_t app_id, int64_t id, const char *tag,
			 struct sn_err *err)
{
	sn_auto(db_txn_end) struct db_txn txn = {0};

	if (db_txn_begin(&txn, cat->db, err) < 0 ||
	    (tag[0] && catalog_tag_check(cat, app_id, id, tag, err) < 0) ||
	    set_tag(cat, app_id, id, tag, err) < 0 || db_txn_commit(&txn, err) < 0)
		return sn_ctx(err, "tag snapshot %lld", (long long)id);
	return 0;
}

/* ---- adding ---- */

int snapshot_insert(struct catalog *cat, const struct catalog_snapshot *snap,
		    struct sn_err *err)
{
	if (snap->tag[0] && catalog_tag_check(cat, snap->app_id, snap->id, snap->tag, err) < 0)
		return -1;
	return db_run(cat->db, err,
		      "INSERT INTO snapshots (" SNAP_COLUMNS ")"
		      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		      "iizitntiiiiiiiiii", snap->app_id, snap->id, snap->parent, snap->created_ns,
		      snap->message, snap->tag, snap->tracker, (int64_t)snap->taker,
		      (int64_t)snap->tasks, (int64_t)snap->threads, (int64_t)snap->stop_ns,
		      (int64_t)snap->wall_ns, (int64_t)snap->resident_pages,
		      (int64_t)snap->dirty_pages, (int64_t)snap->copied_bytes,
		      (int64_t)snap->stored_bytes, (int64_t)row_checksum(snap));
}

/* ---- dropping ---- */

static int set_parent(struct catalog *cat, struct catalog_snapshot *snap, int64_t parent,
		      struct sn_err *err)
{
	snap->parent = parent;
	return db_run(cat->db, err,
		      "UPDATE snapshots SET parent = ?, sum = ? WHERE app_id = ? AND id = ?",
		      "ziii", parent, (int64_t)row_checksum(snap), snap->app_id, snap->id);
}

/* What is to go, by id, each with where its children go. */
struct doomed {
	int64_t id;
	int64_t parent;
};

struct dooms {
	struct doomed *list;
	size_t count;
};

static void dooms_release(struct dooms *dooms)
{
	free(dooms->list);
}

static int by_id(const void *a, const void *b)
{
	const struct doomed *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static const struct doomed *find_doom(const struct dooms *dooms, int64_t id)
{
	struct doomed key = {.id = id};

	return bsearch(&key, dooms->list, dooms->count, sizeof(key), by_id);
}

/* The nearest that stays, from `id` upwards; 0: none. */
static int64_t survivor(const struct dooms *dooms, int64_t id)
{
	const struct doomed *doomed;

	while (id && (doomed = find_doom(dooms, id)))
		id = doomed->parent;
	return id;
}

/* The children of one that goes, and stay themselves, get the parent that stays. */
static int move_children(struct catalog *cat, int64_t app_id, const struct dooms *dooms,
			 const struct doomed *doomed, struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	sn_auto_free struct catalog_snapshot *children = NULL;
	size_t count = 0;
	int r;

	if (db_query(cat->db, err, &stmt,
		     "SELECT " SNAP_COLUMNS " FROM snapshots WHERE app_id = ? AND parent = ?", "ii",
		     app_id, doomed->id) < 0)
		return -1;
	while ((r = db_step(stmt, err)) > 0) {
		if (find_doom(dooms, sqlite3_column_int64(stmt, 1)))
			continue;
		children = sn_realloc(children, count + 1, sizeof(*children));
		if (row_read(stmt, &children[count++], err) < 0)
			return -1;
	}
	for (size_t i = 0; r == 0 && i < count; i++)
		r = set_parent(cat, &children[i], survivor(dooms, doomed->id), err);
	return r;
}

static int move_app(struct catalog *cat, int64_t app_id, const struct dooms *dooms,
		    struct sn_err *err)
{
	struct app_row row;

	if (app_row_load(cat, app_id, &row, err) < 0)
		return -1;
	row.app.current = survivor(dooms, row.app.current);
	if (find_doom(dooms, row.app.undo))
		row.app.undo = 0;
	return app_row_store(cat, &row, err);
}

/* Reads the row of a snapshot that is to go. That it is damaged is a reason to drop
 * it, not one to keep it: then only a parent that can be one is believed. */
static int find_parent(struct catalog *cat, int64_t app_id, int64_t id, int64_t *parent,
		       struct sn_err *err)
{
	struct catalog_snapshot snap = {.id = 0};
	int r = catalog_snapshot_find(cat, app_id, id, &snap, err);

	if (!r)
		return sn_fail_code(err, ENOENT, "there is no such snapshot");
	*parent = snap.parent;
	if (r > 0)
		return 0;
	if (err->code != EUCLEAN || snap.id != id)
		return -1;
	r = snap.parent < id ? snapshot_exists(cat, app_id, snap.parent, err) : 0;
	if (r <= 0)
		*parent = 0;
	return r < 0 ? -1 : 0;
}

static int find_dooms(struct catalog *cat, int64_t app_id, const int64_t *ids, size_t count,
		      struct dooms *dooms, struct sn_err *err)
{
	dooms->list = sn_malloc(count * sizeof(*dooms->list));
	for (size_t i = 0; i < count; i++) {
		struct doomed *doomed = &dooms->list[i];

		doomed->id = ids[i];
		if (find_parent(cat, app_id, ids[i], &doomed->parent, err) < 0)
			return count > 1 ? sn_ctx(err, "snapshot %lld", (long long)ids[i]) : -1;
	}
	dooms->count = count;
	qsort(dooms->list, count, sizeof(*dooms->list), by_id);
	return 0;
}

/* Images, maps and demands go with their snapshot; children have higher ids, and so go first. */
static int delete_rows(struct catalog *cat, int64_t app_id, const struct dooms *dooms,
		       struct sn_err *err)
{
	for (size_t i = dooms->count; i--;)
		if (db_run(cat->db, err, "DELETE FROM snapshots WHERE app_id = ? AND id = ?", "ii",
			   app_id, dooms->list[i].id) < 0)
			return -1;
	return 0;
}

static int drop(struct catalog *cat, int64_t app_id, const struct dooms *dooms,
		struct sn_err *err)
{
	sn_auto_free int64_t *ids = sn_malloc((dooms->count + 1) * sizeof(*ids));

	for (size_t i = 0; i < dooms->count; i++)
		ids[i] = dooms->list[i].id;
	if (move_app(cat, app_id, dooms, err) < 0 ||
	    maps_leave(cat, app_id, ids, dooms->count, err) < 0)
		return -1;
	for (size_t i = 0; i < dooms->count; i++)
		if (move_children(cat, app_id, dooms, &dooms->list[i], err) < 0)
			return -1;
	return delete_rows(cat, app_id, dooms, err);
}

int catalog_snapshots_drop(struct catalog *cat, int64_t app_id, const int64_t *ids, size_t count,
			   struct sn_err *err)
{
	sn_auto(db_txn_end) struct db_txn txn = {0};
	sn_auto(dooms_release) struct dooms dooms = {0};
	sn_auto_fd int taken = -1;

	if (!count)
		return 0;
	taken = lease_take_snapshots(cat, app_id, ids, count, err);
	if (taken < 0)
		return sn_ctx(err, "drop");
	if (db_txn_begin(&txn, cat->db, err) < 0 ||
	    find_dooms(cat, app_id, ids, count, &dooms, err) < 0 ||
	    drop(cat, app_id, &dooms, err) < 0 || db_txn_commit(&txn, err) < 0)
		return count == 1 ? sn_ctx(err, "drop snapshot %lld", (long long)ids[0])
				  : sn_ctx(err, "drop %zu snapshots", count);
	return 0;
}
