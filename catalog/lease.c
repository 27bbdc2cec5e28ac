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

enum { HOLD_WAIT_MS = 10000, SNAPSHOT_BITS = 36 };

static int open_lease(struct catalog *cat, struct sn_err *err)
{
	int fd = openat(cat->dirfd, "lease", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? sn_fail_sys(err, "open the file lease") : fd;
}

int lease_take(struct catalog *cat, bool alone, int wait_ms, struct sn_err *err)
{
	static const struct timespec pause = {.tv_nsec = 1000000};
	sn_auto_fd int fd = open_lease(cat, err);

	if (fd < 0)
		return -1;
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

/* ---- of one snapshot ---- */

/* Its byte of the file. */
static struct flock byte_of(int64_t app_id, int64_t id, short type)
{
	return (struct flock){
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)(((uint64_t)app_id << SNAPSHOT_BITS | (uint64_t)id) & INT64_MAX),
		.l_len = 1,
	};
}

/* Who drops it has it for a moment. */
int catalog_snapshot_hold(struct catalog *cat, int64_t app_id, int64_t id, struct sn_err *err)
{
	struct flock byte = byte_of(app_id, id, F_RDLCK);
	sn_auto_fd int fd = open_lease(cat, err);

	if (fd < 0)
		return -1;
	while (fcntl(fd, F_OFD_SETLKW, &byte) < 0) {
		if (errno != EINTR)
			return sn_fail_sys(err, "hold snapshot %" PRId64, id);
		if (catalog_step(cat, 0, 0, err) < 0)
			return -1;
	}
	return sn_steal_fd(&fd);
}

bool catalog_snapshot_is_held(struct catalog *cat, int64_t app_id, int64_t id)
{
	struct flock byte = byte_of(app_id, id, F_WRLCK);
	struct sn_err ignored;
	sn_auto_fd int fd = open_lease(cat, &ignored);

	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &byte) == 0 && byte.l_type != F_UNLCK;
}

int lease_take_snapshots(struct catalog *cat, int64_t app_id, const int64_t *ids, size_t count,
			 struct sn_err *err)
{
	sn_auto_fd int fd = open_lease(cat, err);

	if (fd < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct flock byte = byte_of(app_id, ids[i], F_WRLCK);

		if (fcntl(fd, F_OFD_SETLK, &byte) == 0)
			continue;
		if (errno != EAGAIN && errno != EACCES)
			return sn_fail_sys(err, "lock the file lease");
		return sn_fail_code(err, EBUSY,
				    "somebody looks into snapshot %" PRId64 " (at, gdbserver)",
				    ids[i]);
	}
	return sn_steal_fd(&fd);
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
