/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/db.h"
#include "catalog/snapshots.h"
#include "catalog/sum.h"
#include "core/base/mem.h"

#include <errno.h>

static uint64_t image_checksum(int64_t app_id, int64_t id, const void *bytes, size_t len)
{
	struct row_sum sum = {.len = 0};

	row_sum_int(&sum, (uint64_t)app_id);
	row_sum_int(&sum, (uint64_t)id);
	return row_sum_end_blob(&sum, bytes, len);
}

int image_insert(struct catalog *cat, int64_t app_id, int64_t id, const uint8_t *bytes,
		 size_t len, struct sn_err *err)
{
	return db_run(cat->db, err,
		      "INSERT INTO images (app_id, id, sum, bytes) VALUES (?, ?, ?, ?)", "iiib",
		      app_id, id, (int64_t)image_checksum(app_id, id, bytes, len), bytes,
		      len);
}

int catalog_image_load(struct catalog *cat, int64_t app_id, int64_t id, uint8_t **bytes,
		       size_t *len, struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	const void *found;
	size_t size;
	int r;

	if (db_query(cat->db, err, &stmt,
		     "SELECT bytes, sum FROM images WHERE app_id = ? AND id = ?", "ii", app_id,
		     id) < 0)
		return -1;
	r = db_step(stmt, err);
	if (!r)
		return sn_fail_code(err, ENOENT, "snapshot %lld has no image: there is no such "
				    "snapshot, or the catalog is damaged", (long long)id);
	if (r < 0)
		return -1;
	found = sqlite3_column_blob(stmt, 0);
	size = (size_t)sqlite3_column_bytes(stmt, 0);
	if ((uint64_t)sqlite3_column_int64(stmt, 1) != image_checksum(app_id, id, found, size))
		return sn_fail_code(err, EUCLEAN, "the image of snapshot %lld is damaged: it does "
				    "not match its checksum", (long long)id);
	*bytes = sn_malloc(size);
	if (size)
		memcpy(*bytes, found, size);
	*len = size;
	return 0;
}
