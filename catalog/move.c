/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/move.h"

#include "catalog/db.h"
#include "catalog/readers.h"
#include "core/base/guard.h"
#include "core/base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOCK_WAIT_MS = 200, STEP_PAGES = 64 };

void mover_begin(struct mover *mover, struct catalog *cat, const struct live *live)
{
	*mover = (struct mover){.cat = cat, .live = live};
}

static void pack_release(struct mover_pack *pack)
{
	if (pack->locked)
		pack_writer_close(&pack->writer);
	free(pack->entries);
	free(pack->to);
}

void mover_end(struct mover *mover)
{
	for (size_t i = 0; i < mover->pack_count; i++)
		pack_release(&mover->packs[i]);
	for (size_t i = 0; i < mover->target_count; i++)
		pack_writer_close(&mover->targets[i]);
	free(mover->packs);
	free(mover->targets);
	free(mover->list);
	*mover = (struct mover){0};
}

/* ---- what takes part ---- */

static int by_number(const void *a, const void *b)
{
	const struct mover_pack *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

struct mover_pack *mover_pack(const struct mover *mover, uint32_t number)
{
	struct mover_pack key = {.number = number};

	return mover->pack_count ? bsearch(&key, mover->packs, mover->pack_count, sizeof(key),
					   by_number)
				 : NULL;
}

/* A put has its pack for a moment only. */
static int lock_patiently(struct mover *mover, struct mover_pack *pack, struct sn_err *err)
{
	static const struct timespec pause = {.tv_nsec = 1000000};
	int r = 0;

	for (int ms = 0; ms < LOCK_WAIT_MS; ms++) {
		r = packs_lock(mover->cat, pack->number, &pack->writer, err);
		if (r)
			break;
		nanosleep(&pause, NULL);
	}
	pack->locked = r > 0;
	return r;
}

int mover_add_pack(struct mover *mover, uint32_t number, struct sn_err *err)
{
	struct mover_pack pack = {.number = number};
	int r;

	if (mover_pack(mover, number))
		return 1;
	r = lock_patiently(mover, &pack, err);
	if (r <= 0)
		return r;
	pack.pages = pack.writer.pages;
	if (pack_index_load(mover->cat->packs_fd, number, pack.pages, &pack.entries, err) < 0) {
		pack_release(&pack);
		return -1;
	}
	pack.to = sn_calloc(pack.pages + 1, sizeof(*pack.to));
	mover->packs = sn_realloc(mover->packs, mover->pack_count + 1, sizeof(*mover->packs));
	mover->packs[mover->pack_count++] = pack;
	qsort(mover->packs, mover->pack_count, sizeof(*mover->packs), by_number);
	return 1;
}

void mover_add_page(struct mover *mover, uint64_t loc)
{
	struct mover_pack *pack = mover_pack(mover, pack_loc_number(loc));
	uint64_t *to = &pack->to[pack_loc_page(loc)];

	if (*to)
		return;
	*to = MOVING;
	if (mover->count == mover->cap) {
		mover->cap = mover->cap ? 2 * mover->cap : 1024;
		mover->list = sn_realloc(mover->list, mover->cap, sizeof(*mover->list));
	}
	mover->list[mover->count++] = loc;
}

bool mover_needs(const struct mover *mover, const struct mover_pack *pack, uint64_t page)
{
	uint64_t loc = pack_loc(pack->number, page);

	return !pageset_knows(&mover->live->named, loc) || pageset_has(&mover->live->named, loc);
}

/* ---- 1: contents ---- */

static int add_target(struct mover *mover, struct sn_err *err)
{
	struct pack_writer writer;

	if (packs_create(mover->cat, &writer, err) < 0)
		return -1;
	mover->targets = sn_realloc(mover->targets, mover->target_count + 1,
				    sizeof(*mover->targets));
	mover->targets[mover->target_count++] = writer;
	return 0;
}

static int copy_page(struct mover *mover, uint64_t loc, struct sn_err *err)
{
	struct mover_pack *pack = mover_pack(mover, pack_loc_number(loc));
	const struct pack_entry *entry = &pack->entries[pack_loc_page(loc)];
	struct pack_writer *target = &mover->targets[mover->target_count - 1];
	uint32_t len = pack_entry_length(entry);
	uint8_t bytes[PAGE_BYTES];
	uint64_t page;

	if (len > sizeof(bytes))
		return sn_fail_code(err, EUCLEAN, "packs/%u.index is damaged", pack->number);
	if (target->bytes >= mover->cat->rotate_bytes) {
		if (pack_writer_sync(target, err) < 0 || add_target(mover, err) < 0)
			return -1;
		target = &mover->targets[mover->target_count - 1];
	}
	if (pack_read_at(pack->writer.pages_fd, bytes, len, pack_entry_offset(entry),
			 pack->number, "pages", err) < 0 ||
	    pack_writer_append(target, pack_entry_encoding(entry), bytes, len,
			       pack_entry_sum(entry), &page, err) < 0)
		return -1;
	pack->to[pack_loc_page(loc)] = pack_loc(target->number, page);
	return 0;
}

static int copy_pages(struct mover *mover, struct sn_err *err)
{
	if (mover->count && add_target(mover, err) < 0)
		return -1;
	for (size_t i = 0; i < mover->count; i++)
		if ((i % STEP_PAGES == 0 && catalog_step(mover->cat, i, mover->count, err) < 0) ||
		    copy_page(mover, mover->list[i], err) < 0)
			return -1;
	return mover->count ? pack_writer_sync(&mover->targets[mover->target_count - 1], err) : 0;
}

/* ---- 2: rows ---- */

static bool is_emptied(const struct mover *mover, const struct mover_pack *pack)
{
	for (uint64_t page = 0; page < pack->pages; page++)
		if (pack_entry_has_contents(&pack->entries[page]) && !pack->to[page] &&
		    mover_needs(mover, pack, page))
			return false;
	return true;
}

static int store_rows(struct mover *mover, bool *tried, struct sn_err *err)
{
	sn_auto(db_txn_end) struct db_txn txn = {0};

	if (db_txn_begin(&txn, mover->cat->db, err) < 0)
		return -1;
	for (size_t i = 0; i < mover->target_count; i++)
		if (packs_record(mover->cat, &mover->targets[i], err) < 0)
			return -1;
	for (size_t i = 0; i < mover->pack_count; i++) {
		struct mover_pack *pack = &mover->packs[i];

		pack->emptied = pack->locked && is_emptied(mover, pack);
		if (pack->emptied && packs_empty(mover->cat, pack->number, err) < 0)
			return -1;
	}
	*tried = true;
	return db_txn_commit(&txn, err);
}

/* As after a put that has failed. */
static void cut_targets(struct mover *mover, bool tried)
{
	struct sn_err unheard; /* the next writer tries again */

	for (size_t i = 0; i < mover->target_count; i++)
		if (tried)
			packs_cut(mover->cat, &mover->targets[i], &unheard);
		else
			pack_writer_cut(&mover->targets[i], &unheard);
}

/* ---- 3 and 4: indexes ---- */

/* Where an entry's page goes; 0: it stays. */
static uint64_t target_of(const struct mover *mover, const struct mover_pack *pack, uint64_t page)
{
	const struct pack_entry *entry = &pack->entries[page];
	const struct mover_pack *there;
	uint64_t loc;

	if (pack_entry_encoding(entry) != PACK_MOVED)
		return pack->to[page];
	loc = pack_entry_target(entry);
	there = mover_pack(mover, pack_loc_number(loc));
	return there && pack_loc_page(loc) < there->pages ? there->to[pack_loc_page(loc)] : 0;
}

static void renew_entry(const struct mover *mover, struct mover_pack *pack, uint64_t page)
{
	struct pack_entry *entry = &pack->entries[page];
	uint64_t to = target_of(mover, pack, page);

	if (!mover_needs(mover, pack, page))
		*entry = (struct pack_entry){0};
	else if (to)
		*entry = pack_entry_moved(to, pack_entry_sum(entry));
}

static int replace_index(struct mover *mover, struct mover_pack *pack, struct sn_err *err)
{
	for (uint64_t page = 0; page < pack->pages; page++)
		renew_entry(mover, pack, page);
	return pack_index_replace(mover->cat->packs_fd, pack->number, pack->entries, pack->pages,
				  err);
}

static int sync_dir(struct mover *mover, struct sn_err *err)
{
	if (fsync(mover->cat->packs_fd) < 0)
		return sn_fail_sys(err, "bring the directory packs to the disk");
	return 0;
}

/* Whether an entry of the pack leads to what moves. */
static bool leads_there(const struct mover *mover, const struct mover_pack *pack)
{
	for (uint64_t page = 0; page < pack->pages; page++)
		if (pack_entry_encoding(&pack->entries[page]) == PACK_MOVED &&
		    mover_needs(mover, pack, page) && target_of(mover, pack, page))
			return true;
	return false;
}

/*
 * Adds the pack if it leads there. One without contents is changed by nobody else, and there is
 * nothing to lock.
 */
static int add_leading(struct mover *mover, const struct pack_size *size, struct sn_err *err)
{
	struct mover_pack pack = {.number = size->number, .pages = size->pages};
	bool leads;
	int r;

	if (mover_pack(mover, size->number) || !size->pages)
		return 0;
	if (pack_index_load(mover->cat->packs_fd, size->number, size->pages, &pack.entries,
			    err) < 0)
		return -1;
	pack.to = sn_calloc(pack.pages + 1, sizeof(*pack.to));
	leads = leads_there(mover, &pack);
	if (leads && !size->bytes) {
		mover->packs = sn_realloc(mover->packs, mover->pack_count + 1,
					  sizeof(*mover->packs));
		mover->packs[mover->pack_count++] = pack;
		qsort(mover->packs, mover->pack_count, sizeof(*mover->packs), by_number);
		return 0;
	}
	pack_release(&pack);
	if (!leads)
		return 0;
	r = mover_add_pack(mover, size->number, err);
	return r ? r : sn_fail_code(err, EBUSY, "pack %u is in use", size->number);
}

static int add_all_leading(struct mover *mover, struct sn_err *err)
{
	sn_auto_free struct pack_size *sizes = NULL;
	size_t count;

	if (packs_list(mover->cat, &sizes, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (pageset_knows(&mover->live->named, pack_loc(sizes[i].number, 0)) &&
		    add_leading(mover, &sizes[i], err) < 0)
			return -1;
	return 0;
}

/*
 * Pages always move to packs that were not there before, so an entry leads to a pack with a
 * higher number than its own: by rising number, what leads comes before what it leads to.
 */
static int replace_indexes(struct mover *mover, struct sn_err *err)
{
	for (size_t i = 0; i < mover->pack_count; i++) {
		struct mover_pack *pack = &mover->packs[i];
		bool leads = leads_there(mover, pack);

		if (replace_index(mover, pack, err) < 0 || (leads && sync_dir(mover, err) < 0))
			return -1;
	}
	return sync_dir(mover, err);
}

/* ---- 5: what is left ---- */

/* Who has the file open still, and finds it cut, opens the pack anew (read.c). */
static int unlink_contents(struct mover *mover, const struct mover_pack *pack, struct sn_err *err)
{
	char name[PACK_NAME_BYTES];

	pack_name(name, pack->number, "pages");
	if (unlinkat(mover->cat->packs_fd, name, 0) < 0 ||
	    ftruncate(pack->writer.pages_fd, 0) < 0)
		return sn_fail_sys(err, "remove packs/%s", name);
	return 0;
}

int mover_run(struct mover *mover, struct sn_err *err)
{
	bool tried = false;

	if (add_all_leading(mover, err) < 0)
		return -1;
	if (copy_pages(mover, err) < 0 || store_rows(mover, &tried, err) < 0) {
		cut_targets(mover, tried);
		return -1;
	}
	if (replace_indexes(mover, err) < 0)
		return -1;
	for (size_t i = 0; i < mover->pack_count; i++)
		if (mover->packs[i].emptied &&
		    unlink_contents(mover, &mover->packs[i], err) < 0)
			return -1;
	return 0;
}
