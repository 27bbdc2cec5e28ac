/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc: gives the room of pages that nobody needs back, and puts pages that are read together
 * where they are read quickly. Nothing is held up by it but for a moment's lease.
 *
 *	mark      what committed records need (live.h)
 *	settle    nobody holds a lease: what was committed since is marked too, and the
 *	          collection is counted. What is dead now stays dead: it is named by no record,
 *	          and who remembers it forgets it at the next lease.
 *	forget    packs of which nothing is needed
 *	move      what is needed of packs that are mostly dead, and the pages of snapshots that
 *	          applications stand on, where those lie in pieces (move.h, fragments.h)
 *	sweep     files that no pack has: of a gc that was killed
 *
 * One gc at a time in a catalog, by a lock on the directory of packs.
 */
#include "catalog/db.h"
#include "catalog/fragments.h"
#include "catalog/lease.h"
#include "catalog/live.h"
#include "catalog/move.h"
#include "core/base/guard.h"
#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum {
	SETTLE_WAIT_MS = 10000,
	PACKS_AT_ONCE = 64, /* packs are large, and each takes two descriptors */
	DEAD_SHARE = 4,     /* when one part in four of a pack is dead the rest is moved */
	PIECE_PAGES = 64,
	PIECE_PAGES_BACKGROUND = 8, /* once in a while every snapshot in pieces would be moved */
};

struct collecting {
	struct catalog *cat;
	bool background;
	struct live live;
	struct pack_size *sizes; /* when it was settled */
	size_t count;
	struct catalog_collected *result;
};

static void collecting_end(struct collecting *gc)
{
	live_release(&gc->live);
	free(gc->sizes);
}

/* ---- settle ---- */

static int settle(struct collecting *gc, struct sn_err *err)
{
	sn_auto_fd int lease = lease_take(gc->cat, true, SETTLE_WAIT_MS, err);

	if (lease < 0 || live_mark_new(&gc->live, err) < 0 ||
	    packs_list(gc->cat, &gc->sizes, &gc->count, err) < 0)
		return -1;
	return lease_count_collection(gc->cat, err);
}

/* ---- forget ---- */

/* Between two packs it may end at any time. */
static int step(const struct collecting *gc, struct sn_err *err)
{
	return catalog_step(gc->cat, 0, 0, err);
}

static bool is_dead(const struct collecting *gc, const struct pack_size *size)
{
	for (uint64_t page = 0; page < size->pages; page++)
		if (pageset_has(&gc->live.named, pack_loc(size->number, page)))
			return false;
	return true;
}

static int unlink_file(struct collecting *gc, uint32_t number, const char *suffix,
		       struct sn_err *err)
{
	char name[PACK_NAME_BYTES];

	pack_name(name, number, suffix);
	if (unlinkat(gc->cat->packs_fd, name, 0) < 0 && errno != ENOENT)
		return sn_fail_sys(err, "remove packs/%s", name);
	return 0;
}

static int forget_row(struct collecting *gc, uint32_t number, struct sn_err *err)
{
	sn_auto(db_txn_end) struct db_txn txn = {0};

	if (db_txn_begin(&txn, gc->cat->db, err) < 0 || packs_forget(gc->cat, number, err) < 0)
		return -1;
	return db_txn_commit(&txn, err);
}

static int forget_pack(struct collecting *gc, uint32_t number, struct sn_err *err)
{
	if (forget_row(gc, number, err) < 0 || unlink_file(gc, number, "index", err) < 0 ||
	    unlink_file(gc, number, "pages", err) < 0)
		return -1;
	gc->result->dropped_packs++;
	return 0;
}

/* One that somebody appends to, or has appended to since, is left to the next gc. */
static int forget_dead(struct collecting *gc, const struct pack_size *size, struct sn_err *err)
{
	struct pack_writer writer;
	int r = size->bytes ? packs_lock(gc->cat, size->number, &writer, err) : 0;

	if (r < 0)
		return -1;
	if (!r)
		return size->bytes ? 0 : forget_pack(gc, size->number, err);
	if (writer.pages == size->pages) {
		r = forget_pack(gc, size->number, err);
		if (r == 0 && ftruncate(writer.pages_fd, 0) < 0) /* whoever has it open */
			r = sn_fail_sys(err, "cut packs/%u.pages", size->number);
	} else {
		r = 0;
	}
	pack_writer_close(&writer);
	return r;
}

static int forget_all_dead(struct collecting *gc, struct sn_err *err)
{
	for (size_t i = 0; i < gc->count; i++)
		if (step(gc, err) < 0 || (gc->sizes[i].pages && is_dead(gc, &gc->sizes[i]) &&
					  forget_dead(gc, &gc->sizes[i], err) < 0))
			return -1;
	return 0;
}

/* ---- move ---- */

/* Bytes that are needed and stay where they are, so far. */
static uint64_t staying_bytes(const struct mover *mover, const struct mover_pack *pack)
{
	uint64_t bytes = 0;

	for (uint64_t page = 0; page < pack->pages; page++)
		if (pack_entry_has_contents(&pack->entries[page]) && !pack->to[page] &&
		    mover_needs(mover, pack, page))
			bytes += pack_entry_length(&pack->entries[page]);
	return bytes;
}

static bool has_file(const struct collecting *gc, uint32_t number)
{
	char name[PACK_NAME_BYTES];
	struct stat st;

	pack_name(name, number, "pages");
	return fstatat(gc->cat->packs_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Empties the pack when that is worth it. One that says it is empty and is not is what is left
 * of a gc that was killed. */
static int move_rest(struct collecting *gc, struct mover *mover, const struct pack_size *size,
		     struct sn_err *err)
{
	struct mover_pack look = {.number = size->number, .pages = size->pages};
	struct mover_pack *pack = mover_pack(mover, size->number);
	uint64_t staying;
	int r;

	if (!has_file(gc, size->number))
		return 0;
	if (!pack) {
		if (pack_index_load(gc->cat->packs_fd, size->number, size->pages, &look.entries,
				    err) < 0)
			return -1;
		look.to = sn_calloc(size->pages + 1, sizeof(*look.to));
		pack = &look;
	}
	staying = staying_bytes(mover, pack);
	free(look.entries);
	free(look.to);
	if (size->bytes && (size->bytes - staying) * DEAD_SHARE < size->bytes)
		return 0;
	r = mover_add_pack(mover, size->number, err);
	if (r <= 0)
		return r;
	pack = mover_pack(mover, size->number);
	for (uint64_t page = 0; page < pack->pages; page++)
		if (pack_entry_has_contents(&pack->entries[page]) &&
		    mover_needs(mover, pack, page))
			mover_add_page(mover, pack_loc(pack->number, page));
	return 0;
}

static int join_fragments(struct collecting *gc, struct mover *mover, struct sn_err *err)
{
	uint64_t piece_pages = gc->background ? PIECE_PAGES_BACKGROUND : PIECE_PAGES;
	sn_auto_free struct catalog_app *apps = NULL;
	size_t count;

	if (catalog_app_list(gc->cat, &apps, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		int r = step(gc, err);

		if (r == 0 && apps[i].current && mover->pack_count < PACKS_AT_ONCE)
			r = fragments_join(mover, apps[i].id, apps[i].current, piece_pages, err);
		if (r < 0)
			return sn_ctx(err, "%s", apps[i].name);
		gc->result->joined += (uint64_t)r;
	}
	return 0;
}

static int fill_mover(struct collecting *gc, struct mover *mover, bool join, struct sn_err *err)
{
	if (join && join_fragments(gc, mover, err) < 0)
		return -1;
	for (size_t i = 0; i < gc->count && mover->pack_count < PACKS_AT_ONCE; i++)
		if (step(gc, err) < 0 ||
		    (gc->sizes[i].pages &&
		     pageset_knows(&gc->live.named, pack_loc(gc->sizes[i].number, 0)) &&
		     move_rest(gc, mover, &gc->sizes[i], err) < 0))
			return -1;
	return 0;
}

/* One round: 1 when there is more to do, 0, -1. */
static int move_some(struct collecting *gc, bool join, struct sn_err *err)
{
	sn_auto(mover_end) struct mover mover;

	mover_begin(&mover, gc->cat, &gc->live);
	if (fill_mover(gc, &mover, join, err) < 0)
		return -1;
	if (!mover.pack_count)
		return 0;
	if (mover_run(&mover, err) < 0)
		return -1;
	gc->result->moved_pages += mover.count;
	return mover.pack_count >= PACKS_AT_ONCE;
}

static int move_all(struct collecting *gc, struct sn_err *err)
{
	bool join = true;
	int r;

	while ((r = move_some(gc, join, err)) > 0)
		join = false;
	return r;
}

/* ---- sweep ---- */

/* Whether the name is that of a pack's file; *index_new: of one that never came to be. */
static bool parse_name(const char *name, uint32_t *number, bool *index_new)
{
	char suffix[16];

	if (sscanf(name, "%" SCNu32 ".%15s", number, suffix) != 2)
		return false;
	*index_new = strcmp(suffix, "index.new") == 0;
	return *index_new || strcmp(suffix, "pages") == 0 || strcmp(suffix, "index") == 0;
}

/*
 * Files come before their row, under the lock for writing (packs.c), so while that is held a
 * file without a row is nobody's.
 */
static int sweep(struct collecting *gc, struct sn_err *err)
{
	sn_auto(db_txn_end) struct db_txn txn = {0};
	int fd = openat(gc->cat->packs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	sn_auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		return sn_fail_sys(err, "read the directory packs");
	if (db_txn_begin(&txn, gc->cat->db, err) < 0)
		return -1;
	while ((entry = readdir(dir))) {
		uint64_t pages;
		uint32_t number;
		bool index_new;
		int r;

		if (!parse_name(entry->d_name, &number, &index_new))
			continue;
		r = index_new ? 0 : packs_pages(gc->cat, number, &pages, err);
		if (r == 0 && unlinkat(gc->cat->packs_fd, entry->d_name, 0) < 0)
			return sn_fail_sys(err, "remove packs/%s", entry->d_name);
	}
	return 0;
}

/* Bytes of the packs on the disk. */
static uint64_t disk_bytes(const struct collecting *gc)
{
	int fd = openat(gc->cat->packs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	sn_auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	uint64_t bytes = 0;
	struct stat st;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    fstatat(gc->cat->packs_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			bytes += (uint64_t)st.st_blocks * 512;
	return bytes;
}

/* At last what dropped snapshots had in the database is given back, too. */
static int collect_all(struct collecting *gc, struct sn_err *err)
{
	if (live_mark(&gc->live, gc->cat, err) < 0 || settle(gc, err) < 0 ||
	    forget_all_dead(gc, err) < 0 || move_all(gc, err) < 0 || sweep(gc, err) < 0)
		return -1;
	return db_exec(gc->cat->db, "PRAGMA incremental_vacuum", err);
}

static int collect(struct collecting *gc, struct sn_err *err)
{
	uint64_t before = disk_bytes(gc), after;
	int rc = collect_all(gc, err);

	after = disk_bytes(gc);
	gc->result->freed_bytes = before > after ? before - after : 0;
	return rc;
}

int catalog_gc(struct catalog *cat, bool background, struct catalog_collected *result,
	       struct sn_err *err)
{
	sn_auto(collecting_end) struct collecting gc = {
		.cat = cat,
		.background = background,
		.result = result,
	};
	sn_auto_fd int lock = openat(cat->packs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*result = (struct catalog_collected){0};
	if (lock < 0)
		return sn_fail_sys(err, "gc: open the directory packs");
	if (flock(lock, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			       ? sn_fail_code(err, EBUSY,
					      "gc: another one, or a verify, is under way")
			       : sn_fail_sys(err, "gc: lock the directory packs");
	return collect(&gc, err) < 0 ? sn_ctx(err, "gc") : 0;
}
