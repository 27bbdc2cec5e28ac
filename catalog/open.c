/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a catalog: the directory, what belongs in it, the database.
 *
 * The directory is locked (flock) meanwhile: two processes that open a new catalog at
 * once would otherwise both turn the database to write-ahead logging, which
 * SQLite refuses to one of them without waiting.
 */
#include "catalog/db.h"
#include "catalog/internal.h"
#include "catalog/lately.h"
#include "catalog/maps.h"
#include "catalog/schema.h"
#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

enum {
	BUSY_TIMEOUT_MS = 10000,
	ROTATE_BYTES = 1 << 30,
};

/* ---- directories ---- */

static int sync_dir(const char *path, struct sn_err *err)
{
	sn_auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return sn_fail_sys(err, "bring directory %s to the disk", path);
	return 0;
}

/* Makes one directory unless it is there; what is there keeps its mode. */
static int make_dir(const char *path, const char *parent, struct sn_err *err)
{
	if (mkdir(path, 0700) < 0)
		return errno == EEXIST ? 0 : sn_fail_sys(err, "make directory %s", path);
	/* the umask may have taken away even the owner's rights */
	if (chmod(path, 0700) < 0)
		return sn_fail_sys(err, "set the mode of directory %s", path);
	return sync_dir(parent, err);
}

static int make_dirs(const char *dir, struct sn_err *err)
{
	sn_auto_free char *path = sn_strdup(dir);
	sn_auto_free char *parent = sn_strdup(dir[0] == '/' ? "/" : ".");

	for (char *at = path + 1; *dir; at++) {
		char here = *at;

		if (here != '/' && here != '\0')
			continue;
		*at = '\0';
		if (make_dir(path, parent, err) < 0)
			return -1;
		free(parent);
		parent = sn_strdup(path);
		*at = here;
		if (!here)
			break;
	}
	return 0;
}

/* A directory of ours inside the catalog's; *made when it was not there. */
static int make_inner(int dirfd, const char *name, bool *made, struct sn_err *err)
{
	struct stat st;

	if (mkdirat(dirfd, name, 0700) == 0)
		*made = true;
	else if (errno != EEXIST)
		return sn_fail_sys(err, "make directory %s", name);
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return sn_fail_sys(err, "stat %s", name);
	if (!S_ISDIR(st.st_mode))
		return sn_fail_code(err, ENOTDIR, "open %s", name);
	if ((st.st_mode & 07777) != 0700 && fchmodat(dirfd, name, 0700, 0) < 0)
		return sn_fail_sys(err, "set the mode of directory %s", name);
	return 0;
}

/*
 * SQLite would make the file with a mode that others may read. Its log and the
 * log's index get the mode of the database. An existing file is not opened here,
 * see internal.h.
 */
static int make_database(int dirfd, bool *made, struct sn_err *err)
{
	sn_auto_fd int fd = openat(dirfd, "catalog.db", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
				   0600);

	if (fd < 0)
		return errno == EEXIST ? 0 : sn_fail_sys(err, "make catalog.db");
	*made = true;
	if (fchmod(fd, 0600) < 0)
		return sn_fail_sys(err, "set the mode of catalog.db");
	return 0;
}

/* ---- the database ---- */

static int use_wal(sqlite3 *db, struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	char mode[16];

	if (db_query(db, err, &stmt, "PRAGMA journal_mode = WAL", "") < 0 ||
	    db_step(stmt, err) < 0)
		return -1;
	if (!db_text(stmt, 0, mode, sizeof(mode)) || strcmp(mode, "wal") != 0)
		return sn_fail(err, "catalog.db: write-ahead logging does not work on this file "
				    "system: name a directory on another (-C DIR)");
	return 0;
}

/*
 * What dropped snapshots took in the database can be given back (gc.c). It has to be said while
 * the file is empty; said to one that is not, SQLite writes to it each time.
 */
static int make_shrinkable(sqlite3 *db, struct sn_err *err)
{
	sn_auto_free int64_t *pages = NULL;
	size_t count;

	if (db_numbers(db, err, &pages, &count, "PRAGMA page_count", "") < 0)
		return -1;
	if (count && pages[0])
		return 0;
	return db_exec(db, "PRAGMA auto_vacuum = INCREMENTAL", err);
}

static int open_database(struct catalog *cat, struct sn_err *err)
{
	sn_auto_free char *path = sn_asprintf("%s/catalog.db", cat->dir);
	size_t count;
	const struct migration *migrations = schema_migrations(&count);

	if (sqlite3_open_v2(path, &cat->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		return cat->db ? db_fail(cat->db, err) : sn_fail_code(err, ENOMEM, "catalog.db");
	sqlite3_extended_result_codes(cat->db, 1);
	sqlite3_busy_timeout(cat->db, BUSY_TIMEOUT_MS);
	if (schema_check(cat->db, migrations, count, err) < 0 ||
	    make_shrinkable(cat->db, err) < 0 || use_wal(cat->db, err) < 0)
		return -1;
	/* the log is cut to a size after a large image went through it */
	if (db_exec(cat->db,
		    "PRAGMA synchronous = FULL;"
		    "PRAGMA foreign_keys = ON;"
		    "PRAGMA trusted_schema = OFF;"
		    "PRAGMA cell_size_check = ON;"
		    "PRAGMA temp_store = MEMORY;"
		    "PRAGMA journal_size_limit = 16777216", err) < 0)
		return -1;
	return schema_update(cat->db, migrations, count, err);
}

/* ---- the handle ---- */

static int open_locked(struct catalog *cat, struct sn_err *err)
{
	bool made = false;

	if (make_inner(cat->dirfd, "packs", &made, err) < 0 ||
	    make_inner(cat->dirfd, "apps", &made, err) < 0 ||
	    make_database(cat->dirfd, &made, err) < 0)
		return -1;
	cat->packs_fd = openat(cat->dirfd, "packs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cat->packs_fd < 0)
		return sn_fail_sys(err, "open packs");
	if (open_database(cat, err) < 0)
		return -1;
	/* whoever is killed before this leaves it to SQLite's sync of a new log's name */
	if (made && fsync(cat->dirfd) < 0)
		return sn_fail_sys(err, "bring the directory to the disk");
	return 0;
}

static int open_handle(struct catalog *cat, const char *dir, struct sn_err *err)
{
	int r;

	if (make_dirs(dir, err) < 0)
		return -1;
	cat->dir = realpath(dir, NULL);
	if (!cat->dir)
		return sn_fail_sys(err, "find the directory");
	cat->dirfd = open(cat->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cat->dirfd < 0)
		return sn_fail_sys(err, "open the directory");
	while (flock(cat->dirfd, LOCK_EX) < 0)
		if (errno != EINTR)
			return sn_fail_sys(err, "lock the directory");
	r = open_locked(cat, err);
	flock(cat->dirfd, LOCK_UN);
	return r;
}

int catalog_open(struct catalog **cat, const char *dir, struct sn_err *err)
{
	struct catalog *made = sn_calloc(1, sizeof(*made));

	made->owner = getpid();
	made->dirfd = made->packs_fd = -1;
	made->rotate_bytes = ROTATE_BYTES;
	pack_readers_init(&made->readers);
	if (open_handle(made, dir, err) < 0) {
		catalog_close(made);
		return sn_ctx(err, "catalog %s", dir);
	}
	*cat = made;
	return 0;
}

void catalog_close(struct catalog *cat)
{
	if (!cat)
		return;
	if (cat->owner == getpid())
		sqlite3_close(cat->db);
	pack_readers_fini(&cat->readers);
	lately_free(cat->lately);
	if (cat->packs_fd >= 0)
		close(cat->packs_fd);
	if (cat->dirfd >= 0)
		close(cat->dirfd);
	free(cat->dir);
	free(cat);
}

int catalog_dirfd(const struct catalog *cat)
{
	return cat->dirfd;
}

const char *catalog_dir(const struct catalog *cat)
{
	return cat->dir;
}

/* ---- reading what has a transaction of its own ---- */

int catalog_map_load(struct catalog *cat, int64_t app_id, int64_t id, struct pagemap *map,
		     struct sn_err *err)
{
	sn_auto(db_txn_end) struct db_txn txn = {0};

	/* of one moment: a drop may move the chain's maps meanwhile */
	if (db_txn_begin_read(&txn, cat->db, err) < 0)
		return -1;
	return map_load(cat, app_id, id, map, err);
}
