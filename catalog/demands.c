/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/db.h"
#include "catalog/internal.h"
#include "catalog/mapcode.h"
#include "catalog/sum.h"

#include <errno.h>

static uint64_t demands_checksum(int64_t app_id, int64_t id, const void *bytes, size_t len)
{
	struct row_sum sum = {.len = 0};

	row_sum_int(&sum, (uint64_t)app_id);
	row_sum_int(&sum, (uint64_t)id);
	return row_sum_end_blob(&sum, bytes, len);
}

static int insert(struct catalog *cat, int64_t app_id, int64_t id, const uint8_t *bytes, size_t len,
		  struct sn_err *err)
{
	sn_auto(db_txn_end) struct db_txn txn = {0};

	if (db_txn_begin(&txn, cat->db, err) < 0 ||
	    db_run(cat->db, err,
		   "INSERT OR REPLACE INTO demands (app_id, id, sum, bytes) VALUES (?, ?, ?, ?)",
		   "iiib", app_id, id, (int64_t)demands_checksum(app_id, id, bytes, len), bytes,
		   len) < 0)
		return -1;
	return db_txn_commit(&txn, err);
}

int catalog_demands_store(struct catalog *cat, int64_t app_id, int64_t id,
			  const struct pagemap *order, struct sn_err *err)
{
	size_t len;
	sn_auto_free uint8_t *bytes = mapcode_encode(order, &len);

	if (insert(cat, app_id, id, bytes, len, err) < 0)
		return sn_ctx(err, "store the demands of snapshot %lld", (long long)id);
	return 0;
}

int catalog_demands_load(struct catalog *cat, int64_t app_id, int64_t id, struct pagemap *order,
			 struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	const void *bytes;
	size_t len;
	int r;

	if (db_query(cat->db, err, &stmt,
		     "SELECT bytes, sum FROM demands WHERE app_id = ? AND id = ?", "ii", app_id,
		     id) < 0)
		return -1;
	r = db_step(stmt, err);
	if (r <= 0)
		return r;
	bytes = sqlite3_column_blob(stmt, 0);
	len = (size_t)sqlite3_column_bytes(stmt, 0);
	if ((uint64_t)sqlite3_column_int64(stmt, 1) != demands_checksum(app_id, id, bytes, len) ||
	    mapcode_decode(order, bytes, len, err) < 0)
		return sn_fail_code(err, EUCLEAN, "the demands of snapshot %lld, which only restore"
				    " --lazy goes by, are damaged", (long long)id);
	return 1;
}
