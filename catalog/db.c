/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/db.h"

#include "core/base/mem.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The errno behind a failed call of SQLite's, or EIO. SQLite looks at errno only after
 * it has cleaned up, so a value that no read, write or open fails with is of another
 * call.
 */
static int io_code(sqlite3 *db)
{
	static const int causes[] = {EIO, ENOSPC, EDQUOT, EFBIG, EROFS, EACCES, EPERM, EMFILE,
				     ENFILE};
	int code = sqlite3_system_errno(db);

	for (size_t i = 0; i < sn_countof(causes); i++)
		if (code == causes[i])
			return code;
	return EIO;
}

int db_fail(sqlite3 *db, struct sn_err *err)
{
	const char *text = sqlite3_errmsg(db);

	switch (sqlite3_errcode(db) & 0xff) {
	case SQLITE_NOMEM:
		abort(); /* as everywhere, see core/base/mem.h */
	case SQLITE_FULL:
		return sn_fail_code(err, ENOSPC, "catalog.db");
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return sn_fail_code(err, EACCES, "catalog.db");
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return sn_fail_code(err, io_code(db), "catalog.db: %s", text);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		sn_fail(err, "catalog.db: another process has held it for too long; try again");
		err->code = EBUSY;
		return -1;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		sn_fail(err, "catalog.db is damaged: %s", text);
		err->code = EUCLEAN;
		return -1;
	default:
		sn_fail(err, "catalog.db: %s", text);
		err->code = EINVAL;
		return -1;
	}
}

int db_exec(sqlite3 *db, const char *sql, struct sn_err *err)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_fail(db, err);
	return 0;
}

void db_stmt_end(sqlite3_stmt **stmt)
{
	sqlite3_finalize(*stmt);
	*stmt = NULL;
}

static int bind_one(sqlite3_stmt *stmt, int at, char type, va_list *args)
{
	const void *bytes;
	const char *text;
	int64_t number;

	switch (type) {
	case 'i':
		return sqlite3_bind_int64(stmt, at, va_arg(*args, int64_t));
	case 'z':
		number = va_arg(*args, int64_t);
		return number ? sqlite3_bind_int64(stmt, at, number) : sqlite3_bind_null(stmt, at);
	case 't':
		return sqlite3_bind_text(stmt, at, va_arg(*args, const char *), -1, SQLITE_STATIC);
	case 'n':
		text = va_arg(*args, const char *);
		return *text ? sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC)
			     : sqlite3_bind_null(stmt, at);
	case 'b':
		bytes = va_arg(*args, const void *);
		/* a NULL pointer would bind NULL, not an empty blob */
		return sqlite3_bind_blob64(stmt, at, bytes ? bytes : "", va_arg(*args, size_t),
					   SQLITE_STATIC);
	default:
		assert(!"a known type");
		return SQLITE_MISUSE;
	}
}

static int query(sqlite3 *db, struct sn_err *err, sqlite3_stmt **stmt, const char *sql,
		 const char *types, va_list *args)
{
	if (sqlite3_prepare_v2(db, sql, -1, stmt, NULL) != SQLITE_OK)
		return db_fail(db, err);
	assert(sqlite3_bind_parameter_count(*stmt) == (int)strlen(types));
	for (int i = 0; types[i]; i++)
		if (bind_one(*stmt, i + 1, types[i], args) != SQLITE_OK)
			return db_fail(db, err);
	return 0;
}

int db_query(sqlite3 *db, struct sn_err *err, sqlite3_stmt **stmt, const char *sql,
	     const char *types, ...)
{
	va_list args;
	int r;

	va_start(args, types);
	r = query(db, err, stmt, sql, types, &args);
	va_end(args);
	return r;
}

int db_step(sqlite3_stmt *stmt, struct sn_err *err)
{
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return db_fail(sqlite3_db_handle(stmt), err);
	}
}

int db_run(sqlite3 *db, struct sn_err *err, const char *sql, const char *types, ...)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	va_list args;
	int r;

	va_start(args, types);
	r = query(db, err, &stmt, sql, types, &args);
	va_end(args);
	while (r >= 0) {
		r = db_step(stmt, err);
		if (!r)
			return 0;
	}
	return -1;
}

int db_numbers(sqlite3 *db, struct sn_err *err, int64_t **list, size_t *count, const char *sql,
	       const char *types, ...)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	sn_auto_free int64_t *found = NULL;
	size_t len = 0, cap = 0;
	va_list args;
	int r;

	va_start(args, types);
	r = query(db, err, &stmt, sql, types, &args);
	va_end(args);
	while (r >= 0 && (r = db_step(stmt, err)) > 0) {
		if (len == cap) {
			cap = cap ? 2 * cap : 16;
			found = sn_realloc(found, cap, sizeof(*found));
		}
		found[len++] = sqlite3_column_int64(stmt, 0);
	}
	if (r < 0)
		return -1;
	*list = sn_steal_ptr(&found);
	*count = len;
	return 0;
}

bool db_text(sqlite3_stmt *stmt, int column, char *to, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);
	int len = snprintf(to, size, "%s", text ? text : "");

	return len >= 0 && (size_t)len < size;
}

static int begin(struct db_txn *txn, sqlite3 *db, const char *sql, struct sn_err *err)
{
	if (db_exec(db, sql, err) < 0)
		return -1;
	txn->db = db;
	return 0;
}

int db_txn_begin(struct db_txn *txn, sqlite3 *db, struct sn_err *err)
{
	return begin(txn, db, "BEGIN IMMEDIATE", err);
}

int db_txn_begin_read(struct db_txn *txn, sqlite3 *db, struct sn_err *err)
{
	return begin(txn, db, "BEGIN", err);
}

int db_txn_commit(struct db_txn *txn, struct sn_err *err)
{
	if (db_exec(txn->db, "COMMIT", err) < 0)
		return -1;
	txn->db = NULL;
	return 0;
}

void db_txn_end(struct db_txn *txn)
{
	/* a failure may have rolled back already */
	if (txn->db && !sqlite3_get_autocommit(txn->db))
		sqlite3_exec(txn->db, "ROLLBACK", NULL, NULL, NULL);
	txn->db = NULL;
}
