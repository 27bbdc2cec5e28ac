/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/schema.h"

#include "catalog/clock.h"
#include "catalog/db.h"

#include <stdio.h>

enum {
	APPLICATION_ID = 0x736e7073, /* "snps", PRAGMA application_id */
};

/*
 * `sum` is the row's checksum (sum.h). "None" is NULL, so that the foreign keys
 * hold for every number that is there. Images and maps are apart from the rows
 * that `list` walks over.
 */
static const char first_sql[] =
	"CREATE TABLE apps ("
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	name TEXT NOT NULL UNIQUE,"
	"	pid INTEGER NOT NULL,"
	"	start_ticks INTEGER NOT NULL,"
	"	keeper_pid INTEGER NOT NULL,"
	"	console_pid INTEGER NOT NULL,"
	"	current INTEGER,"
	"	undo INTEGER,"
	"	created_ns INTEGER NOT NULL,"
	"	exit_status INTEGER NOT NULL,"
	"	command TEXT NOT NULL,"
	"	next_snapshot INTEGER NOT NULL,"
	"	sum INTEGER NOT NULL,"
	"	FOREIGN KEY (id, current) REFERENCES snapshots (app_id, id),"
	"	FOREIGN KEY (id, undo) REFERENCES snapshots (app_id, id)"
	") STRICT;"
	"CREATE TABLE snapshots ("
	"	app_id INTEGER NOT NULL REFERENCES apps (id),"
	"	id INTEGER NOT NULL,"
	"	parent INTEGER,"
	"	created_ns INTEGER NOT NULL,"
	"	message TEXT NOT NULL,"
	"	tag TEXT,"
	"	tracker TEXT NOT NULL,"
	"	automatic INTEGER NOT NULL,"
	"	tasks INTEGER NOT NULL,"
	"	threads INTEGER NOT NULL,"
	"	stop_ns INTEGER NOT NULL,"
	"	wall_ns INTEGER NOT NULL,"
	"	resident_pages INTEGER NOT NULL,"
	"	dirty_pages INTEGER NOT NULL,"
	"	copied_bytes INTEGER NOT NULL,"
	"	stored_bytes INTEGER NOT NULL,"
	"	sum INTEGER NOT NULL,"
	"	PRIMARY KEY (app_id, id),"
	"	FOREIGN KEY (app_id, parent) REFERENCES snapshots (app_id, id)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX snapshots_by_parent ON snapshots (app_id, parent);"
	"CREATE UNIQUE INDEX snapshots_by_tag ON snapshots (app_id, tag) WHERE tag IS NOT NULL;"
	"CREATE TABLE images ("
	"	app_id INTEGER NOT NULL,"
	"	id INTEGER NOT NULL,"
	"	sum INTEGER NOT NULL,"
	"	bytes BLOB NOT NULL,"
	"	PRIMARY KEY (app_id, id),"
	"	FOREIGN KEY (app_id, id) REFERENCES snapshots (app_id, id) ON DELETE CASCADE"
	") STRICT;"
	"CREATE TABLE maps ("
	"	app_id INTEGER NOT NULL,"
	"	id INTEGER NOT NULL,"
	"	base INTEGER,"
	"	depth INTEGER NOT NULL,"
	"	chain_runs INTEGER NOT NULL,"
	"	whole_sum INTEGER NOT NULL,"
	"	sum INTEGER NOT NULL,"
	"	bytes BLOB NOT NULL,"
	"	PRIMARY KEY (app_id, id),"
	"	FOREIGN KEY (app_id, id) REFERENCES snapshots (app_id, id) ON DELETE CASCADE,"
	"	FOREIGN KEY (app_id, base) REFERENCES maps (app_id, id)"
	") STRICT;"
	"CREATE INDEX maps_by_base ON maps (app_id, base);"
	"CREATE TABLE packs ("
	"	number INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	pages INTEGER NOT NULL,"
	"	bytes INTEGER NOT NULL,"
	"	cuts INTEGER NOT NULL,"
	"	sum INTEGER NOT NULL"
	") STRICT;";

static const char auto_sql[] =
	"ALTER TABLE apps ADD COLUMN auto_interval_ns INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE apps ADD COLUMN auto_keep INTEGER NOT NULL DEFAULT 0;";

/* What lazy restores of a snapshot were asked for (demands.c). */
static const char demands_sql[] =
	"CREATE TABLE demands ("
	"	app_id INTEGER NOT NULL,"
	"	id INTEGER NOT NULL,"
	"	sum INTEGER NOT NULL,"
	"	bytes BLOB NOT NULL,"
	"	PRIMARY KEY (app_id, id),"
	"	FOREIGN KEY (app_id, id) REFERENCES snapshots (app_id, id) ON DELETE CASCADE"
	") STRICT;";

static const struct migration all[] = {
	{1, "applications, snapshots, images, maps, packs", first_sql},
	{2, "snapshots by a timer", auto_sql},
	{3, "demands of lazy restores", demands_sql},
};

const struct migration *schema_migrations(size_t *count)
{
	*count = sn_countof(all);
	return all;
}

/* The number in the first column of a query's only row. */
static int number_of(sqlite3 *db, const char *sql, int64_t *number, struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;

	if (db_query(db, err, &stmt, sql, "") < 0 || db_step(stmt, err) < 0)
		return -1;
	*number = sqlite3_column_int64(stmt, 0);
	return 0;
}

enum origin {
	NOBODYS, /* an empty file */
	OURS,
};

static int find_origin(sqlite3 *db, enum origin *origin, struct sn_err *err)
{
	int64_t id, tables;

	if (number_of(db, "PRAGMA application_id", &id, err) < 0 ||
	    number_of(db, "SELECT count(*) FROM sqlite_schema", &tables, err) < 0)
		return -1;
	*origin = id == APPLICATION_ID ? OURS : NOBODYS;
	if (id != APPLICATION_ID && (id || tables))
		return sn_fail(err, "catalog.db is not a catalog of snapsh: name another "
				    "directory (-C DIR)");
	return 0;
}

/* An empty file gets our mark and the table of migrations. */
static int claim(sqlite3 *db, struct sn_err *err)
{
	sn_auto(db_txn_end) struct db_txn txn = {0};
	enum origin origin;
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d", APPLICATION_ID);
	if (db_txn_begin(&txn, db, err) < 0 || find_origin(db, &origin, err) < 0)
		return -1;
	if (origin == OURS)
		return 0;
	if (db_exec(db, sql, err) < 0 ||
	    db_exec(db,
		    "CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL,"
		    " applied_ns INTEGER NOT NULL) STRICT", err) < 0)
		return -1;
	return db_txn_commit(&txn, err);
}

/* The last migration the database has had. */
static int last_applied(sqlite3 *db, int64_t *number, struct sn_err *err)
{
	return number_of(db, "SELECT coalesce(max(number), 0) FROM migrations", number, err);
}

int schema_check(sqlite3 *db, const struct migration *migrations, size_t count,
		 struct sn_err *err)
{
	int64_t have, known = migrations[count - 1].number;
	enum origin origin;

	if (find_origin(db, &origin, err) < 0)
		return -1;
	if (origin == NOBODYS)
		return 0;
	if (last_applied(db, &have, err) < 0)
		return -1;
	if (have > known)
		return sn_fail(err,
			       "its schema is number %lld, this snapsh knows up to %lld: use the "
			       "snapsh that wrote it or a newer one, or name another directory "
			       "(-C DIR)", (long long)have, (long long)known);
	return 0;
}

static int apply(sqlite3 *db, const struct migration *migration, struct sn_err *err)
{
	sn_auto(db_txn_end) struct db_txn txn = {0};

	if (db_txn_begin(&txn, db, err) < 0 || db_exec(db, migration->sql, err) < 0 ||
	    db_run(db, err, "INSERT INTO migrations VALUES (?, ?, ?)", "iti",
		   (int64_t)migration->number, migration->name, clock_realtime_ns()) < 0 ||
	    db_txn_commit(&txn, err) < 0)
		return sn_ctx(err, "migration %d (%s)", migration->number, migration->name);
	return 0;
}

int schema_update(sqlite3 *db, const struct migration *migrations, size_t count,
		  struct sn_err *err)
{
	enum origin origin;
	int64_t have;

	/* most often there is nothing to do, and so no lock to wait for */
	if (schema_check(db, migrations, count, err) < 0 || find_origin(db, &origin, err) < 0)
		return -1;
	if ((origin == NOBODYS && claim(db, err) < 0) || last_applied(db, &have, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (migrations[i].number > have && apply(db, &migrations[i], err) < 0)
			return -1;
	return 0;
}
