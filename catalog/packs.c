/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/packs.h"

#include "catalog/db.h"
#include "catalog/sum.h"
#include "core/base/mem.h"

#include <errno.h>

struct pack_row {
	uint32_t number;
	uint64_t pages, bytes;
	uint64_t cuts; /* how often a tail was cut: something to commit, see packs.h */
};

static uint64_t row_checksum(const struct pack_row *row)
{
	struct row_sum sum = {.len = 0};

	row_sum_int(&sum, row->number);
	row_sum_int(&sum, row->pages);
	row_sum_int(&sum, row->bytes);
	row_sum_int(&sum, row->cuts);
	return row_sum_end(&sum);
}

/* 1, 0 when there is no such row, -1 (also when it is damaged). */
static int row_find(struct catalog *cat, uint32_t number, struct pack_row *row,
		    struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	int r;

	if (db_query(cat->db, err, &stmt, "SELECT pages, bytes, cuts, sum FROM packs"
					  " WHERE number = ?", "i", (int64_t)number) < 0)
		return -1;
	r = db_step(stmt, err);
	if (r <= 0)
		return r;
	*row = (struct pack_row){
		.number = number,
		.pages = (uint64_t)sqlite3_column_int64(stmt, 0),
		.bytes = (uint64_t)sqlite3_column_int64(stmt, 1),
		.cuts = (uint64_t)sqlite3_column_int64(stmt, 2),
	};
	if ((uint64_t)sqlite3_column_int64(stmt, 3) != row_checksum(row))
		return sn_fail_code(err, EUCLEAN, "the record of pack %u is damaged", number);
	return 1;
}

static int row_store(struct catalog *cat, const struct pack_row *row, struct sn_err *err)
{
	return db_run(cat->db, err,
		      "UPDATE packs SET pages = ?, bytes = ?, cuts = ?, sum = ? WHERE number = ?",
		      "iiiii", (int64_t)row->pages, (int64_t)row->bytes, (int64_t)row->cuts,
		      (int64_t)row_checksum(row), (int64_t)row->number);
}

int packs_pages(struct catalog *cat, uint32_t number, uint64_t *pages, struct sn_err *err)
{
	struct pack_row row;
	int r = row_find(cat, number, &row, err);

	if (r > 0)
		*pages = row.pages;
	return r;
}

int packs_list(struct catalog *cat, struct pack_size **packs, size_t *count, struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	sn_auto_free struct pack_size *found = NULL;
	size_t len = 0;
	int r;

	if (db_query(cat->db, err, &stmt, "SELECT number, pages, bytes FROM packs ORDER BY number",
		     "") < 0)
		return -1;
	while ((r = db_step(stmt, err)) > 0) {
		found = sn_realloc(found, len + 1, sizeof(*found));
		found[len++] = (struct pack_size){
			.number = (uint32_t)sqlite3_column_int64(stmt, 0),
			.pages = (uint64_t)sqlite3_column_int64(stmt, 1),
			.bytes = (uint64_t)sqlite3_column_int64(stmt, 2),
		};
	}
	if (r < 0)
		return -1;
	*packs = sn_steal_ptr(&found);
	*count = len;
	return 0;
}

int packs_empty(struct catalog *cat, uint32_t number, struct sn_err *err)
{
	struct pack_row row;
	int r = row_find(cat, number, &row, err);

	if (r <= 0)
		return r < 0 ? -1 : sn_fail(err, "pack %u is gone", number);
	row.bytes = 0;
	return row_store(cat, &row, err);
}

int packs_forget(struct catalog *cat, uint32_t number, struct sn_err *err)
{
	return db_run(cat->db, err, "DELETE FROM packs WHERE number = ?", "i", (int64_t)number);
}

int packs_record(struct catalog *cat, const struct pack_writer *writer, struct sn_err *err)
{
	struct pack_row row;
	int r = row_find(cat, writer->number, &row, err);

	if (r < 0)
		return -1;
	if (!r || row.pages != writer->start_pages || row.bytes != writer->start_bytes)
		return sn_fail(err, "pack %u was changed by somebody else while it was locked",
			       writer->number);
	row.pages = writer->pages;
	row.bytes = writer->bytes;
	return row_store(cat, &row, err);
}

int packs_cut(struct catalog *cat, struct pack_writer *writer, struct sn_err *err)
{
	sn_auto(db_txn_end) struct db_txn txn = {0};
	enum pack_state state;
	struct pack_row row;

	if (db_txn_begin(&txn, cat->db, err) < 0)
		return -1;
	if (row_find(cat, writer->number, &row, err) != 1)
		return sn_fail_code(err, EUCLEAN, "the record of pack %u is gone or damaged",
				    writer->number);
	row.cuts++;
	if (row_store(cat, &row, err) < 0 || db_txn_commit(&txn, err) < 0)
		return -1;
	pack_writer_start(writer, row.pages, row.bytes);
	if (pack_writer_state(writer, &state, err) < 0)
		return -1;
	if (state == PACK_SHORT)
		return sn_fail_code(err, EUCLEAN, "pack %u is shorter than its record says",
				    writer->number);
	return pack_writer_cut(writer, err);
}

/*
 * Tries one pack: 1 when the writer has it, 0 when it is no good: in use, full by
 * now, gone, not ours to open, damaged (pages must not be appended where nobody
 * will look for them). What hinders every pack shows when a new one is made.
 */
static int try_pack(struct catalog *cat, uint32_t number, struct pack_writer *writer,
		    struct sn_err *err)
{
	enum pack_state state;
	struct pack_row row;
	int r;

	if (pack_writer_open(writer, cat->packs_fd, number, false, err) != 1)
		return 0;
	r = row_find(cat, number, &row, err);
	if (r < 0 && err->code == EUCLEAN)
		r = 0;
	if (r > 0)
		r = row.bytes < cat->rotate_bytes && (row.bytes || !row.pages);
	if (r > 0) {
		pack_writer_start(writer, row.pages, row.bytes);
		r = pack_writer_state(writer, &state, err) < 0 ? -1 : state != PACK_SHORT;
	}
	if (r > 0 && state == PACK_TAIL && packs_cut(cat, writer, err) < 0)
		r = -1;
	if (r <= 0)
		pack_writer_close(writer);
	return r;
}

int packs_lock(struct catalog *cat, uint32_t number, struct pack_writer *writer,
	       struct sn_err *err)
{
	struct pack_row row;
	int r = pack_writer_open(writer, cat->packs_fd, number, false, err);

	if (r <= 0)
		return r;
	r = row_find(cat, number, &row, err);
	if (r > 0)
		pack_writer_start(writer, row.pages, row.bytes);
	else
		pack_writer_close(writer);
	return r;
}

static int insert_row(struct catalog *cat, struct pack_row *row, struct sn_err *err)
{
	int64_t number;

	if (db_run(cat->db, err, "INSERT INTO packs (pages, bytes, cuts, sum)"
				 " VALUES (0, 0, 0, 0)", "") < 0)
		return -1;
	number = sqlite3_last_insert_rowid(cat->db);
	if (number < 1 || number > PACK_NUMBER_MAX)
		return sn_fail(err, "the catalog has no numbers left for packs");
	*row = (struct pack_row){.number = (uint32_t)number};
	return row_store(cat, row, err);
}

/*
 * Files first, then the row: nobody can know of the pack, let alone lock it,
 * before we have. The number is free again when this fails, so files may be there
 * from a creator that was killed; all they hold is a tail.
 */
int packs_create(struct catalog *cat, struct pack_writer *writer, struct sn_err *err)
{
	sn_auto(db_txn_end) struct db_txn txn = {0};
	struct pack_row row;
	int r;

	if (db_txn_begin(&txn, cat->db, err) < 0 || insert_row(cat, &row, err) < 0)
		return sn_ctx(err, "make a new pack");
	r = pack_writer_open(writer, cat->packs_fd, row.number, true, err);
	if (!r)
		return sn_fail(err, "make pack %u: another process holds its file", row.number);
	if (r < 0)
		return -1;
	if (fsync(cat->packs_fd) < 0)
		sn_fail_sys(err, "bring the directory packs to the disk");
	else if (db_txn_commit(&txn, err) == 0 && pack_writer_cut(writer, err) == 0)
		return 0;
	pack_writer_close(writer);
	return sn_ctx(err, "make a new pack");
}

int packs_acquire(struct catalog *cat, struct pack_writer *writer, struct sn_err *err)
{
	sn_auto_free int64_t *numbers = NULL;
	size_t count;

	/* those with room, newest first */
	if (db_numbers(cat->db, err, &numbers, &count,
		       "SELECT number FROM packs WHERE bytes < ? AND (bytes > 0 OR pages = 0)"
		       " ORDER BY number DESC", "i", (int64_t)cat->rotate_bytes) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		int r = try_pack(cat, (uint32_t)numbers[i], writer, err);

		if (r)
			return r < 0 ? -1 : 0;
	}
	return packs_create(cat, writer, err);
}
