/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of catalog.db, and how one version of them becomes the next.
 *
 * A migration is a number, a name and SQL. Those a database has had stand in its
 * table `migrations`; schema_update applies the missing ones in order, each in a
 * transaction of its own. Numbers are never reused and applied migrations never
 * changed: to change a table, add a migration.
 */
#ifndef CATALOG_SCHEMA_H
#define CATALOG_SCHEMA_H

#include "core/base/err.h"

#include <sqlite3.h>
#include <stddef.h>

struct migration {
	int number; /* 1, 2, ... */
	const char *name;
	const char *sql;
};

/* This version's migrations. */
const struct migration *schema_migrations(size_t *count);

/* Refuses a database that has had more than these, and one that is not a
 * catalog's. Changes nothing. */
int schema_check(sqlite3 *db, const struct migration *migrations, size_t count,
		 struct sn_err *err);

/* Checks, then brings the database to the last of `migrations`. */
int schema_update(sqlite3 *db, const struct migration *migrations, size_t count,
		  struct sn_err *err);

#endif
