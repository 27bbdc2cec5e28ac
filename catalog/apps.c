/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/apps.h"

#include "catalog/clock.h"
#include "catalog/db.h"
#include "catalog/snapshots.h"
#include "catalog/sum.h"
#include "core/base/mem.h"

#include <ctype.h>
#include <errno.h>

#define APP_COLUMNS                                                                     \
	"id, name, pid, start_ticks, keeper_pid, console_pid, current, undo, created_ns, " \
	"exit_status, command, next_snapshot, sum, auto_interval_ns, auto_keep"

static uint64_t row_checksum(const struct app_row *row)
{
	const struct catalog_app *app = &row->app;
	struct row_sum sum = {.len = 0};

	row_sum_int(&sum, (uint64_t)app->id);
	row_sum_text(&sum, app->name);
	row_sum_int(&sum, (uint64_t)app->pid);
	row_sum_int(&sum, app->start_ticks);
	row_sum_int(&sum, (uint64_t)app->keeper_pid);
	row_sum_int(&sum, (uint64_t)app->console_pid);
	row_sum_int(&sum, (uint64_t)app->current);
	row_sum_int(&sum, (uint64_t)app->undo);
	row_sum_int(&sum, (uint64_t)app->created_ns);
	row_sum_int(&sum, (uint64_t)(int64_t)app->exit_status);
	row_sum_text(&sum, app->command);
	row_sum_int(&sum, (uint64_t)row->next_snapshot);
	/* rows that are older than these columns have them as 0, and a sum without them */
	if (app->auto_interval_ns || app->auto_keep) {
		row_sum_int(&sum, (uint64_t)app->auto_interval_ns);
		row_sum_int(&sum, (uint64_t)app->auto_keep);
	}
	return row_sum_end(&sum);
}

/* The statement's row of APP_COLUMNS. */
static int row_read(sqlite3_stmt *stmt, struct app_row *row, struct sn_err *err)
{
	struct catalog_app *app = &row->app;
	bool fits;

	*row = (struct app_row){
		.app = {
			.id = sqlite3_column_int64(stmt, 0),
			.pid = (pid_t)sqlite3_column_int64(stmt, 2),
			.start_ticks = (uint64_t)sqlite3_column_int64(stmt, 3),
			.keeper_pid = (pid_t)sqlite3_column_int64(stmt, 4),
			.console_pid = (pid_t)sqlite3_column_int64(stmt, 5),
			.current = sqlite3_column_int64(stmt, 6),
			.undo = sqlite3_column_int64(stmt, 7),
			.created_ns = sqlite3_column_int64(stmt, 8),
			.exit_status = (int32_t)sqlite3_column_int64(stmt, 9),
			.auto_interval_ns = sqlite3_column_int64(stmt, 13),
			.auto_keep = sqlite3_column_int64(stmt, 14),
		},
		.next_snapshot = sqlite3_column_int64(stmt, 11),
	};
	fits = db_text(stmt, 1, app->name, sizeof(app->name));
	fits &= db_text(stmt, 10, app->command, sizeof(app->command));
	if (!fits || (uint64_t)sqlite3_column_int64(stmt, 12) != row_checksum(row))
		return sn_fail_code(err, EUCLEAN, "the record of application %s is damaged",
				    app->name);
	return 0;
}

int app_row_load(struct catalog *cat, int64_t id, struct app_row *row, struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	int r;

	if (db_query(cat->db, err, &stmt, "SELECT " APP_COLUMNS " FROM apps WHERE id = ?", "i",
		     id) < 0)
		return -1;
	r = db_step(stmt, err);
	if (!r)
		return sn_fail(err, "the catalog has no application number %lld", (long long)id);
	return r < 0 ? -1 : row_read(stmt, row, err);
}

int app_row_store(struct catalog *cat, const struct app_row *row, struct sn_err *err)
{
	const struct catalog_app *app = &row->app;

	return db_run(cat->db, err,
		      "UPDATE apps SET pid = ?, start_ticks = ?, keeper_pid = ?, console_pid = ?,"
		      " current = ?, undo = ?, created_ns = ?, exit_status = ?, command = ?,"
		      " next_snapshot = ?, sum = ?, auto_interval_ns = ?, auto_keep = ?"
		      " WHERE id = ?",
		      "iiiizziitiiiii", (int64_t)app->pid, (int64_t)app->start_ticks,
		      (int64_t)app->keeper_pid, (int64_t)app->console_pid, app->current, app->undo,
		      app->created_ns, (int64_t)app->exit_status, app->command,
		      row->next_snapshot, (int64_t)row_checksum(row), app->auto_interval_ns,
		      app->auto_keep, app->id);
}

static bool name_has(char c)
{
	return isascii(c) && (isalnum(c) || strchr("._-", c));
}

/* It is part of file names, of references (NAME@3) and of options' arguments. */
static int check_name(const char *name, size_t size, struct sn_err *err)
{
	size_t len = strnlen(name, size);

	if (!len || len == size)
		return sn_fail(err, "the name of an application has 1 to %zu characters",
			       size - 1);
	for (size_t i = 0; i < len; i++)
		if (!name_has(name[i])) /* and so may not be fit for a terminal */
			return sn_fail(err, "the name of an application has only letters, digits, "
					    "'.', '_' and '-': character %zu is another", i + 1);
	if (name[0] == '-')
		return sn_fail(err, "name %s: the name of an application cannot begin with '-'",
			       name);
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return sn_fail(err, "name %s: that is a directory", name);
	return 0;
}

int catalog_app_find(struct catalog *cat, const char *name, struct catalog_app *app,
		     struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	struct app_row row;
	int r;

	if (db_query(cat->db, err, &stmt, "SELECT " APP_COLUMNS " FROM apps WHERE name = ?", "t",
		     name) < 0)
		return -1;
	r = db_step(stmt, err);
	if (r <= 0)
		return r;
	if (row_read(stmt, &row, err) < 0)
		return -1;
	*app = row.app;
	return 1;
}

/* The texts must end inside of their arrays; what a caller left open is cut. */
static void close_texts(struct catalog_app *app)
{
	app->command[sizeof(app->command) - 1] = '\0';
}

int catalog_app_add(struct catalog *cat, struct catalog_app *app, struct sn_err *err)
{
	sn_auto(db_txn_end) struct db_txn txn = {0};
	struct app_row row = {.app = *app, .next_snapshot = 1};
	struct catalog_app other;
	int r;

	close_texts(&row.app);
	row.app.created_ns = clock_realtime_ns();
	row.app.current = row.app.undo = 0;
	if (check_name(app->name, sizeof(app->name), err) < 0 ||
	    db_txn_begin(&txn, cat->db, err) < 0)
		return -1;
	r = catalog_app_find(cat, app->name, &other, err);
	if (r)
		return r < 0 ? -1 : sn_fail_code(err, EEXIST, "the name %s is taken", app->name);
	if (db_run(cat->db, err,
		   "INSERT INTO apps (name, pid, start_ticks, keeper_pid, console_pid, created_ns,"
		   " exit_status, command, next_snapshot, sum)"
		   " VALUES (?, 0, 0, 0, 0, 0, 0, '', 1, 0)", "t", row.app.name) < 0)
		return -1;
	row.app.id = sqlite3_last_insert_rowid(cat->db);
	if (app_row_store(cat, &row, err) < 0 || db_txn_commit(&txn, err) < 0)
		return sn_ctx(err, "add application %s", app->name);
	*app = row.app;
	return 0;
}

/* Keeps what the row has when the snapshot was dropped since the caller looked. */
static int settle(struct catalog *cat, int64_t app_id, int64_t wanted, int64_t *stands,
		  struct sn_err *err)
{
	int r = wanted ? snapshot_exists(cat, app_id, wanted, err) : 1;

	if (r > 0)
		*stands = wanted;
	return r < 0 ? -1 : 0;
}

int catalog_app_update(struct catalog *cat, const struct catalog_app *app, struct sn_err *err)
{
	sn_auto(db_txn_end) struct db_txn txn = {0};
	struct app_row row;
	int64_t current, undo;

	if (db_txn_begin(&txn, cat->db, err) < 0 || app_row_load(cat, app->id, &row, err) < 0)
		return sn_ctx(err, "update application %s", app->name);
	current = row.app.current;
	undo = row.app.undo;
	if (settle(cat, app->id, app->current, &current, err) < 0 ||
	    settle(cat, app->id, app->undo, &undo, err) < 0)
		return -1;
	memcpy(row.app.command, app->command, sizeof(row.app.command));
	close_texts(&row.app);
	row.app.pid = app->pid;
	row.app.start_ticks = app->start_ticks;
	row.app.keeper_pid = app->keeper_pid;
	row.app.console_pid = app->console_pid;
	row.app.current = current;
	row.app.undo = undo;
	row.app.created_ns = app->created_ns;
	row.app.exit_status = app->exit_status;
	if (app_row_store(cat, &row, err) < 0 || db_txn_commit(&txn, err) < 0)
		return sn_ctx(err, "update application %s", app->name);
	return 0;
}

int catalog_app_set_auto(struct catalog *cat, int64_t id, int64_t interval_ns, int64_t keep,
			 struct sn_err *err)
{
	sn_auto(db_txn_end) struct db_txn txn = {0};
	struct app_row row;

	if (db_txn_begin(&txn, cat->db, err) < 0 || app_row_load(cat, id, &row, err) < 0)
		return -1;
	row.app.auto_interval_ns = interval_ns;
	row.app.auto_keep = keep;
	if (app_row_store(cat, &row, err) < 0)
		return -1;
	return db_txn_commit(&txn, err);
}

int catalog_app_list(struct catalog *cat, struct catalog_app **apps, size_t *count,
		     struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	sn_auto_free struct catalog_app *found = NULL;
	size_t len = 0, cap = 0;
	struct app_row row;
	int r;

	if (db_query(cat->db, err, &stmt, "SELECT " APP_COLUMNS " FROM apps ORDER BY id", "") < 0)
		return -1;
	while ((r = db_step(stmt, err)) > 0) {
		if (row_read(stmt, &row, err) < 0)
			return -1;
		if (len == cap) {
			cap = cap ? 2 * cap : 16;
			found = sn_realloc(found, cap, sizeof(*found));
		}
		found[len++] = row.app;
	}
	if (r < 0)
		return -1;
	*apps = sn_steal_ptr(&found);
	*count = len;
	return 0;
}
