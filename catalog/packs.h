/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packs of a catalog: which one a writer gets, and how long each one is.
 *
 * A pack's row in the database says how much of its files counts. Only who has
 * the pack locked changes the row, and reads it only under the lock.
 *
 * When a tail may be cut. A writer that was killed, or whose COMMIT failed, may
 * leave a whole commit behind at the end of SQLite's log that nobody sees, because
 * the log's shared index was not brought up to date. The next recovery of the log
 * would find it. Were its pages overwritten in the meantime, a snapshot would
 * appear with another one's memory. So a tail is cut only after a commit of our own,
 * which takes that place in the log (packs_cut). A writer that gives up before its
 * COMMIT has nothing in the log and cuts what it wrote itself.
 */
#ifndef CATALOG_PACKS_H
#define CATALOG_PACKS_H

#include "catalog/internal.h"
#include "catalog/pack.h"

/* Gives the writer a pack of its own, with room and without a tail: one that is
 * there, or a new one. */
int packs_acquire(struct catalog *cat, struct pack_writer *writer, struct sn_err *err);

/* A new one, also where another has room. */
int packs_create(struct catalog *cat, struct pack_writer *writer, struct sn_err *err);

/* Locks one that is there, whatever its length: 1, 0 it is in use, -1. */
int packs_lock(struct catalog *cat, uint32_t number, struct pack_writer *writer,
	       struct sn_err *err);

/* What the rows say, by number, in a malloc'd array. */
struct pack_size {
	uint32_t number;
	uint64_t pages, bytes; /* pages without bytes: all of it has moved, nothing is appended */
};
int packs_list(struct catalog *cat, struct pack_size **packs, size_t *count, struct sn_err *err);

/* Says that all of its pages have moved; inside the caller's transaction. */
int packs_empty(struct catalog *cat, uint32_t number, struct sn_err *err);
/* Forgets a pack that nobody needs; inside the caller's transaction. */
int packs_forget(struct catalog *cat, uint32_t number, struct sn_err *err);

/* Writes the pack's new length into its row; inside the caller's transaction. */
int packs_record(struct catalog *cat, const struct pack_writer *writer, struct sn_err *err);

/* Commits something, then cuts the pack to its committed length, from which
 * the writer starts anew. Not inside a transaction. */
int packs_cut(struct catalog *cat, struct pack_writer *writer, struct sn_err *err);

/* How many of the pack's pages count, by its row: 1, 0 when there is none, -1 (also when it is
 * damaged). */
int packs_pages(struct catalog *cat, uint32_t number, uint64_t *pages, struct sn_err *err);

#endif
