/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/lease.h"

#include "catalog/db.h"
#include "core/base/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>

enum { HOLD_WAIT_MS = 10000 };

int lease_take(struct catalog *cat, bool alone, int wait_ms, struct sn_err *err)
{
	static const struct timespec pause = {.tv_nsec = 1000000};
	sn_auto_fd int fd = openat(cat->dirfd, "lease", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
				   0600);

	if (fd < 0)
		return sn_fail_sys(err, "open the file lease");
	while (flock(fd, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return sn_fail_sys(err, "lock the file lease");
		if (catalog_step(cat, 0, 0, err) < 0)
			return -1;
		if (wait_ms-- <= 0)
			return sn_fail_code(err, EBUSY,
					    alone ? "a snapshot or a restore is under way"
						  : "gc holds the catalog");
		nanosleep(&pause, NULL);
	}
	return sn_steal_fd(&fd);
}

int catalog_hold(struct catalog *cat, struct sn_err *err)
{
	return lease_take(cat, false, HOLD_WAIT_MS, err);
}

/* It is the database's "user version": a number that SQLite keeps for its user. */
int lease_collections(struct catalog *cat, int64_t *count, struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;

	if (db_query(cat->db, err, &stmt, "PRAGMA user_version", "") < 0 ||
	    db_step(stmt, err) < 0)
		return -1;
	*count = sqlite3_column_int64(stmt, 0);
	return 0;
}

int lease_count_collection(struct catalog *cat, struct sn_err *err)
{
	sn_auto(db_txn_end) struct db_txn txn = {0};
	int64_t count;
	char sql[64];

	if (db_txn_begin(&txn, cat->db, err) < 0 || lease_collections(cat, &count, err) < 0)
		return -1;
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %" PRId64, (count + 1) & INT32_MAX);
	if (db_exec(cat->db, sql, err) < 0)
		return -1;
	return db_txn_commit(&txn, err);
}
