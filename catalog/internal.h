/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of catalog/ share: the handle, and the rules for using it.
 *
 * - One handle is used by one thread at a time; only reading pages (read.c) may
 *   run on several, and so touches nothing here but packs_fd and `readers`.
 * - A handle does not cross fork(2), see catalog.h. SQLite forbids even to close
 *   its connection in the child, so there catalog_close leaves that alone.
 * - Whatever changes the database does so in one `BEGIN IMMEDIATE` (db.h), reads
 *   the rows it depends on inside of it, and has it rolled back on every way out.
 * - catalog.db is opened by SQLite alone: closing another descriptor of it would
 *   drop the locks SQLite holds for this process (fcntl(2), "Advisory record locking").
 */
#ifndef CATALOG_INTERNAL_H
#define CATALOG_INTERNAL_H

#include "catalog/catalog.h"
#include "catalog/readers.h"

#include <sqlite3.h>

enum {
	/* A snapshot's map builds on at most this many others. */
	MAP_CHAIN_MAX = 63,
};

struct catalog {
	pid_t owner;  /* the process that opened it */
	char *dir;    /* absolute */
	int dirfd;
	int packs_fd; /* the directory packs/ */
	sqlite3 *db;
	uint64_t rotate_bytes; /* a pack this long gets no further pages */
	struct pack_readers readers;
	struct lately *lately; /* NULL: nothing has been stored yet */
	int64_t collections;   /* when lately was begun, lease.h */
	catalog_watch_fn *watch; /* NULL: nobody waits */
	void *watch_arg;
};

#endif
