/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/live.h"

#include "catalog/db.h"
#include "catalog/encode.h"
#include "catalog/maps.h"
#include "catalog/packs.h"
#include "core/base/guard.h"
#include "core/base/mem.h"

#include <errno.h>

enum {
	ENTRIES = 4096,         /* of an index, looked at in one go */
	WINDOW_BYTES = 64 << 10, /* of contents, read for the heads of differences */
};

void live_release(struct live *live)
{
	pageset_release(&live->named);
	pageset_release(&live->followed);
	free(live->apps);
	*live = (struct live){0};
}

/* ---- what records name ---- */

static struct live_app *app_of(struct live *live, int64_t id)
{
	for (size_t i = 0; i < live->app_count; i++)
		if (live->apps[i].id == id)
			return &live->apps[i];
	live->apps = sn_realloc(live->apps, live->app_count + 1, sizeof(*live->apps));
	live->apps[live->app_count] = (struct live_app){.id = id};
	return &live->apps[live->app_count++];
}

static int name_run(struct live *live, const struct page_run *run, struct sn_err *err)
{
	if (!pack_loc_is_stored(run->loc))
		return 0;
	if (!pageset_knows(&live->named, run->loc + run->count - 1))
		return sn_fail_code(err, EUCLEAN, "it names a page that no pack has");
	for (uint64_t k = 0; k < run->count; k++)
		pageset_add(&live->named, run->loc + k);
	return 0;
}

/* ---- what entries lead to ---- */

/* The heads of differences, read in the order in which they lie. */
struct window {
	uint64_t start;
	size_t len;
	uint8_t bytes[WINDOW_BYTES];
};

static int base_of(const struct pack_reader *reader, struct window *window,
		   const struct pack_entry *entry, uint64_t *loc, struct sn_err *err)
{
	uint64_t at = pack_entry_offset(entry);
	ssize_t n;

	if (at < window->start || at + DELTA_HEAD_BYTES > window->start + window->len) {
		n = pread(reader->pages_fd, window->bytes, WINDOW_BYTES, (off_t)at);
		if (n < DELTA_HEAD_BYTES)
			return sn_fail_sys(err, "read packs/%u.pages", reader->number);
		window->start = at;
		window->len = (size_t)n;
	}
	*loc = encoded_base(window->bytes + (at - window->start));
	return 0;
}

/* An entry that is none leads nowhere: what is damaged is told by whoever reads it. */
static int follow_entry(struct live *live, const struct pack_reader *reader,
			struct window *window, const struct pack_entry *entry,
			struct sn_err *err)
{
	uint64_t loc = PAGE_LOC_ZERO;

	switch (pack_entry_encoding(entry)) {
	case PACK_MOVED:
		pageset_add(&live->named, pack_entry_target(entry));
		return 0;
	case PACK_DELTA:
		if (base_of(reader, window, entry, &loc, err) < 0)
			return -1;
		pageset_add(&live->named, loc);
		return 0;
	default:
		return 0;
	}
}

static int follow_some(struct live *live, const struct pack_reader *reader,
		       struct window *window, uint64_t first, uint64_t end, struct sn_err *err)
{
	struct pack_entry entries[ENTRIES];

	if (pack_read_at(reader->index_fd, entries, (end - first) * sizeof(*entries),
			 first * sizeof(*entries), reader->number, "index", err) < 0)
		return -1;
	for (uint64_t page = first; page < end; page++) {
		uint64_t loc = pack_loc(reader->number, page);

		if (pageset_has(&live->named, loc) && pageset_add(&live->followed, loc) &&
		    follow_entry(live, reader, window, &entries[page - first], err) < 0)
			return -1;
	}
	return 0;
}

/* The first page from `page` on that is named and was not followed. */
static uint64_t next_unfollowed(const struct live *live, uint32_t number, uint64_t page,
				uint64_t pages)
{
	while (page < pages && (!pageset_has(&live->named, pack_loc(number, page)) ||
				pageset_has(&live->followed, pack_loc(number, page))))
		page++;
	return page;
}

static int follow_pack(struct live *live, uint32_t number, uint64_t pages, bool *any,
		       struct sn_err *err)
{
	uint64_t page = next_unfollowed(live, number, 0, pages), end;
	struct pack_reader spare = {.number = 0}, *reader;
	sn_auto_free struct window *window = NULL;
	int r = 0;

	if (page == pages)
		return 0;
	*any = true;
	reader = pack_reader_acquire(live->cat, number, &spare, err);
	if (!reader)
		return -1;
	window = sn_malloc(sizeof(*window));
	window->start = window->len = 0;
	for (; r == 0 && page < pages; page = next_unfollowed(live, number, end, pages)) {
		end = page + ENTRIES < pages ? page + ENTRIES : pages;
		r = catalog_step(live->cat, 0, 0, err);
		if (r == 0)
			r = follow_some(live, reader, window, page, end, err);
	}
	pack_reader_release(live->cat, reader, &spare);
	return r;
}

/* Until nothing new is named; a page leads to one, that to another, and no further. */
static int follow(struct live *live, struct sn_err *err)
{
	bool any = true;

	while (any) {
		any = false;
		for (size_t i = 0; i < live->named.count; i++) {
			const struct pageset_pack *pack = &live->named.packs[i];

			if (follow_pack(live, pack->number, pack->pages, &any, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* ---- marking ---- */

static int widen(struct live *live, struct sn_err *err)
{
	sn_auto_free struct pack_size *packs = NULL;
	size_t count;

	if (packs_list(live->cat, &packs, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		pageset_widen(&live->named, packs[i].number, packs[i].pages);
		pageset_widen(&live->followed, packs[i].number, packs[i].pages);
	}
	return 0;
}

/* The runs of one record, all of which the packs must have. */
static int name_record(void *arg, int64_t app_id, int64_t id, const struct pagemap *runs,
		       struct sn_err *err)
{
	struct live *live = arg;
	struct live_app *app = app_of(live, app_id);

	if (id > app->last)
		app->last = id;
	if (catalog_step(live->cat, 0, 0, err) < 0)
		return -1;
	for (size_t i = 0; i < runs->len; i++)
		if (name_run(live, &runs->runs[i], err) < 0)
			return sn_ctx(err, "the page map of snapshot %lld", (long long)id);
	return 0;
}

static int name_new(struct live *live, struct sn_err *err)
{
	sn_auto_free struct catalog_app *apps = NULL;
	size_t count;

	if (catalog_app_list(live->cat, &apps, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (maps_each(live->cat, apps[i].id, app_of(live, apps[i].id)->last, name_record,
			      live, err) < 0)
			return sn_ctx(err, "%s", apps[i].name);
	return 0;
}

int live_mark_new(struct live *live, struct sn_err *err)
{
	sn_auto(db_txn_end) struct db_txn txn = {0};

	/* of one moment: a record names only what the packs have then */
	if (db_txn_begin_read(&txn, live->cat->db, err) < 0 || widen(live, err) < 0 ||
	    name_new(live, err) < 0)
		return -1;
	db_txn_end(&txn);
	return follow(live, err);
}

int live_mark(struct live *live, struct catalog *cat, struct sn_err *err)
{
	*live = (struct live){.cat = cat};
	return live_mark_new(live, err);
}
