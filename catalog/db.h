/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thin layer over SQLite: statements with guards, transactions that roll back
 * unless committed, errors as struct sn_err.
 *
 *	sn_auto(db_txn_end) struct db_txn txn = {0};
 *	if (db_txn_begin(&txn, db, err) < 0 ||
 *	    db_run(db, err, "UPDATE t SET a = ? WHERE id = ?", "ti", text, id) < 0 ||
 *	    db_txn_commit(&txn, err) < 0)
 *		return -1;
 *
 * Parameters are given by one letter each: i int64_t; z int64_t, NULL when 0;
 * t const char *; n const char *, NULL when empty; b const void * and size_t. Text
 * and blobs must live until the statement has run.
 */
#ifndef CATALOG_DB_H
#define CATALOG_DB_H

#include "core/base/err.h"
#include "core/base/guard.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Turns the connection's last failure into an error: "catalog.db: ...". Returns -1. */
int db_fail(sqlite3 *db, struct sn_err *err);

/* Runs statements that return no rows. */
int db_exec(sqlite3 *db, const char *sql, struct sn_err *err);

/* Prepares and binds; the statement is the caller's, sn_auto(db_stmt_end). */
int db_query(sqlite3 *db, struct sn_err *err, sqlite3_stmt **stmt, const char *sql,
	     const char *types, ...);
/* 1: a row is there, 0: there are no more, -1. */
int db_step(sqlite3_stmt *stmt, struct sn_err *err);
/* Prepares, binds, runs to the end. */
int db_run(sqlite3 *db, struct sn_err *err, const char *sql, const char *types, ...);

/* The numbers in the first column of all rows, in a malloc'd array. */
int db_numbers(sqlite3 *db, struct sn_err *err, int64_t **list, size_t *count, const char *sql,
	       const char *types, ...);

void db_stmt_end(sqlite3_stmt **stmt);

/* Copies a text column into a fixed array; false when it does not fit. */
bool db_text(sqlite3_stmt *stmt, int column, char *to, size_t size);

struct db_txn {
	sqlite3 *db; /* NULL: not begun, or over */
};

/* For writing: waits for other writers (busy timeout), then has the lock. */
int db_txn_begin(struct db_txn *txn, sqlite3 *db, struct sn_err *err);
/* For reading: everything read until the end is of one moment. */
int db_txn_begin_read(struct db_txn *txn, sqlite3 *db, struct sn_err *err);
int db_txn_commit(struct db_txn *txn, struct sn_err *err);
/* Rolls back what was not committed. */
void db_txn_end(struct db_txn *txn);

#endif
