/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifying: everything the catalog holds is read once, and what does not match its checksum
 * is told, with the snapshots that suffer from it.
 *
 *	apps        rows
 *	snapshots   row, image, map, then those of its pages that no earlier one named; demands
 *	packs       rows, and the pages that no snapshot names
 *	catalog.db  what SQLite says of it
 *
 * Snapshots are listed first and packs measured after that, so what others store meanwhile
 * does not matter; a snapshot that is dropped meanwhile is passed over.
 */
#include "catalog/apps.h"
#include "catalog/db.h"
#include "catalog/internal.h"
#include "catalog/packs.h"
#include "catalog/read.h"
#include "catalog/snapshots.h"
#include "core/base/guard.h"
#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { BATCH_PAGES = 1024 };

/* What is known of a pack's pages, a bit each. */
struct pack_pages {
	uint32_t number;
	uint64_t pages; /* entries in its index file */
	uint8_t *seen;
	uint8_t *bad;
};

struct name {
	int64_t app_id, id;
};

struct names {
	struct name *list;
	size_t count;
};

struct verifying {
	struct catalog *cat;
	catalog_verify_fn *tell;
	void *arg;
	struct catalog_verified *result;
	struct pack_pages *packs; /* by number */
	size_t pack_count;
	uint64_t total; /* pages to be read, or somewhat more; 0: not known */
	struct page_read *reads; /* the pages to be read next */
	size_t count;
	uint8_t *room;
	bool damaged; /* what is being verified */
	uint64_t bad_pages;
	struct sn_err why; /* the first thing that was found */
};

static void names_release(struct names *names)
{
	free(names->list);
}

static void verifying_end(struct verifying *v)
{
	for (size_t i = 0; i < v->pack_count; i++) {
		free(v->packs[i].seen);
		free(v->packs[i].bad);
	}
	free(v->packs);
	free(v->reads);
	free(v->room);
}

/* Whether a failure says something of what is stored, and not of who reads it. */
static bool is_damage(const struct sn_err *err)
{
	return err->code != EMFILE && err->code != ENFILE && err->code != EACCES &&
	       err->code != EPERM && err->code != EBUSY;
}

static void note(struct verifying *v, const struct sn_err *found)
{
	if (!v->damaged)
		v->why = *found;
	v->damaged = true;
}

/* Takes the outcome of a step: a failure that is damage is noted, another one passed on. */
static int outcome(struct verifying *v, int r, const struct sn_err *found, struct sn_err *err)
{
	if (r >= 0)
		return 0;
	if (!is_damage(found)) {
		*err = *found;
		return -1;
	}
	note(v, found);
	return 0;
}

static void begin(struct verifying *v)
{
	v->damaged = false;
	v->bad_pages = 0;
}

static int tell(struct verifying *v, int64_t app_id, int64_t id, struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	struct catalog_finding finding = {
		.app_id = app_id,
		.id = id,
		.damage = v->damaged ? v->why.text : NULL,
		.damaged_pages = v->bad_pages,
	};

	v->result->snapshots += id != 0;
	v->result->damaged_snapshots += id && v->damaged;
	v->result->damages += v->damaged;
	if (!id && !v->damaged)
		return 0;
	if (app_id) {
		if (db_query(v->cat->db, err, &stmt, "SELECT name FROM apps WHERE id = ?", "i",
			     app_id) < 0 || db_step(stmt, err) < 0)
			return -1;
		db_text(stmt, 0, finding.app, sizeof(finding.app));
	}
	v->tell(v->arg, &finding);
	return 0;
}

/* ---- pages ---- */

static bool bit(const uint8_t *bits, uint64_t i)
{
	return bits[i / 8] >> (i % 8) & 1;
}

static void set_bit(uint8_t *bits, uint64_t i)
{
	bits[i / 8] |= (uint8_t)(1 << (i % 8));
}

static int by_number(const void *a, const void *b)
{
	const struct pack_pages *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* The pack that has the page, NULL: none does. */
static struct pack_pages *pack_of(const struct verifying *v, uint64_t loc)
{
	struct pack_pages key = {.number = pack_loc_number(loc)};
	struct pack_pages *pack =
		v->pack_count ? bsearch(&key, v->packs, v->pack_count, sizeof(key), by_number)
			      : NULL;

	return pack && pack_loc_page(loc) < pack->pages ? pack : NULL;
}

static int read_alone(struct verifying *v, uint64_t loc, struct sn_err *err)
{
	struct page_read read = {.loc = loc, .to = v->room};
	struct pack_pages *pack = pack_of(v, loc);
	struct sn_err found;

	if (pages_read(v->cat, &read, 1, &found) == 0)
		return 0;
	if (outcome(v, -1, &found, err) < 0)
		return -1;
	v->bad_pages++;
	if (pack)
		set_bit(pack->bad, pack_loc_page(loc));
	return 0;
}

/* Reads what waits; when something is wrong with it, page by page. */
static int read_batch(struct verifying *v, struct sn_err *err)
{
	size_t count = v->count;
	struct sn_err found;

	if (catalog_step(v->cat, v->result->pages, v->total, err) < 0)
		return -1;
	v->count = 0;
	v->result->pages += count;
	if (!count || pages_read(v->cat, v->reads, count, &found) == 0)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (read_alone(v, v->reads[i].loc, err) < 0)
			return -1;
	return 0;
}

static int verify_page(struct verifying *v, uint64_t loc, struct sn_err *err)
{
	struct pack_pages *pack = pack_of(v, loc);
	uint64_t page = pack_loc_page(loc);

	if (pack && bit(pack->bad, page))
		return read_alone(v, loc, err);
	if (pack && bit(pack->seen, page))
		return 0;
	if (pack)
		set_bit(pack->seen, page);
	v->reads[v->count] = (struct page_read){
		.loc = loc,
		.to = v->room + v->count * PAGE_BYTES,
	};
	return ++v->count == BATCH_PAGES ? read_batch(v, err) : 0;
}

static int verify_map(struct verifying *v, const struct pagemap *map, struct sn_err *err)
{
	for (size_t i = 0; i < map->len; i++) {
		const struct page_run *run = &map->runs[i];

		for (uint64_t k = 0; run->loc != PAGE_LOC_ZERO && k < run->count; k++)
			if (verify_page(v, run->loc + k, err) < 0)
				return -1;
	}
	return read_batch(v, err);
}

/* ---- rows ---- */

static int verify_snapshot(struct verifying *v, const struct name *name, struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap map = {0};
	sn_auto_free uint8_t *image = NULL;
	struct catalog_snapshot snap;
	struct sn_err found;
	size_t len;
	int r;

	begin(v);
	r = catalog_snapshot_find(v->cat, name->app_id, name->id, &snap, &found);
	if (outcome(v, r, &found, err) < 0)
		return -1;
	r = catalog_image_load(v->cat, name->app_id, name->id, &image, &len, &found);
	if (outcome(v, r, &found, err) < 0)
		return -1;
	r = catalog_map_load(v->cat, name->app_id, name->id, &map, &found);
	if (outcome(v, r, &found, err) < 0)
		return -1;
	if (!v->total)
		v->total = pagemap_stored(&map);
	if (r == 0 && verify_map(v, &map, err) < 0)
		return -1;
	r = v->damaged ? snapshot_exists(v->cat, name->app_id, name->id, err) : 1;
	if (r <= 0)
		return r;
	return tell(v, name->app_id, name->id, err);
}

/* A snapshot whose demands are damaged is whole: it is told beside it. */
static int verify_demands(struct verifying *v, const struct name *name, struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap order = {0};
	struct sn_err found;

	begin(v);
	if (outcome(v, catalog_demands_load(v->cat, name->app_id, name->id, &order, &found),
		    &found, err) < 0)
		return -1;
	return tell(v, name->app_id, 0, err);
}

static int verify_app(struct verifying *v, int64_t app_id, struct sn_err *err)
{
	struct app_row row;
	struct sn_err found;

	begin(v);
	if (outcome(v, app_row_load(v->cat, app_id, &row, &found), &found, err) < 0)
		return -1;
	return tell(v, app_id, 0, err);
}

static int names_add(struct names *names, sqlite3_stmt *stmt, struct sn_err *err)
{
	size_t cap = 0;
	int r;

	while ((r = db_step(stmt, err)) > 0) {
		if (names->count == cap) {
			cap = cap ? 2 * cap : 64;
			names->list = sn_realloc(names->list, cap, sizeof(*names->list));
		}
		names->list[names->count++] = (struct name){
			.app_id = sqlite3_column_int64(stmt, 0),
			.id = sqlite3_column_int64(stmt, 1),
		};
	}
	return r;
}

/* 0: all of them. Applications have the id 0 beside their own, and come before their snapshots. */
static int list_names(struct catalog *cat, int64_t app_id, int64_t id, struct names *names,
		      struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;

	if (db_query(cat->db, err, &stmt,
		     "SELECT id AS app, 0 AS snap FROM apps WHERE ? IN (0, id)"
		     " UNION ALL SELECT app_id, id FROM snapshots"
		     " WHERE ? IN (0, app_id) AND ? IN (0, id) ORDER BY app, snap", "iii",
		     app_id, app_id, id) < 0 ||
	    names_add(names, stmt, err) < 0)
		return -1;
	if (id && names->count < 2)
		return sn_fail_code(err, ENOENT, "there is no such snapshot");
	return 0;
}

/* ---- packs ---- */

static int list_packs(struct verifying *v, struct sn_err *err)
{
	sn_auto(names_release) struct names numbers = {0};
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;

	if (db_query(v->cat->db, err, &stmt, "SELECT number, 0 FROM packs ORDER BY number",
		     "") < 0 ||
	    names_add(&numbers, stmt, err) < 0)
		return -1;
	v->packs = sn_calloc(numbers.count + 1, sizeof(*v->packs));
	for (v->pack_count = 0; v->pack_count < numbers.count; v->pack_count++) {
		struct pack_pages *pack = &v->packs[v->pack_count];
		char name[PACK_NAME_BYTES];
		struct stat st;

		pack->number = (uint32_t)numbers.list[v->pack_count].app_id;
		pack_name(name, pack->number, "index");
		if (fstatat(v->cat->packs_fd, name, &st, 0) == 0)
			pack->pages = (uint64_t)st.st_size / sizeof(struct pack_entry);
		pack->seen = sn_calloc(pack->pages / 8 + 1, 1);
		pack->bad = sn_calloc(pack->pages / 8 + 1, 1);
	}
	return 0;
}

/* The pack's row, and what no snapshot has named: damage there harms none of them. */
/* Of what nobody names the room may have been given back, and that of what it is against. */
static bool is_full(const struct pack_entry *entry)
{
	uint32_t encoding = pack_entry_encoding(entry);

	return encoding && encoding != PACK_MOVED && encoding != PACK_DELTA;
}

static int verify_unnamed(struct verifying *v, const struct pack_pages *pack, uint64_t pages,
			  struct sn_err *err)
{
	sn_auto_free struct pack_entry *entries = NULL;
	struct sn_err found;
	int r;

	if (pages > pack->pages)
		pages = pack->pages;
	r = pack_index_load(v->cat->packs_fd, pack->number, pages, &entries, &found);
	if (r < 0)
		return outcome(v, r, &found, err);
	for (uint64_t page = 0; page < pages; page++)
		if (is_full(&entries[page]) && !bit(pack->seen, page) &&
		    verify_page(v, pack_loc(pack->number, page), err) < 0)
			return -1;
	return read_batch(v, err);
}

static int verify_pack(struct verifying *v, const struct pack_pages *pack, struct sn_err *err)
{
	struct sn_err found;
	uint64_t pages = 0;
	int r;

	begin(v);
	r = packs_pages(v->cat, pack->number, &pages, &found);
	if (outcome(v, r, &found, err) < 0)
		return -1;
	if (r == 0)
		return 0;
	if (verify_unnamed(v, pack, pages, err) < 0)
		return -1;
	if (pages > pack->pages) {
		sn_fail_code(&found, EUCLEAN, "packs/%u.index is missing or shorter than its "
			     "record says", pack->number);
		note(v, &found);
	}
	return tell(v, 0, 0, err);
}

static int verify_database(struct verifying *v, struct sn_err *err)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	struct sn_err found;
	const char *says;
	int r = 0;

	begin(v);
	if (db_query(v->cat->db, &found, &stmt, "PRAGMA integrity_check(1)", "") < 0 ||
	    db_step(stmt, &found) < 0)
		r = -1;
	if (outcome(v, r, &found, err) < 0)
		return -1;
	says = r == 0 ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
	if (says && strcmp(says, "ok") != 0) {
		sn_fail_code(&found, EUCLEAN, "catalog.db is damaged");
		note(v, &found);
	}
	return tell(v, 0, 0, err);
}

int catalog_verify(struct catalog *cat, int64_t app_id, int64_t id, catalog_verify_fn *fn,
		   void *arg, struct catalog_verified *result, struct sn_err *err)
{
	sn_auto(verifying_end) struct verifying v = {
		.cat = cat,
		.tell = fn,
		.arg = arg,
		.result = result,
		.reads = sn_malloc(BATCH_PAGES * sizeof(*v.reads)),
		.room = sn_malloc(BATCH_PAGES * (size_t)PAGE_BYTES),
	};
	sn_auto(names_release) struct names names = {0};

	sn_auto_fd int lock = openat(cat->packs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*result = (struct catalog_verified){.pages = 0};
	/* gc waits meanwhile, and is waited for: what it takes away would look like damage */
	if (lock < 0 || flock(lock, LOCK_SH) < 0)
		return sn_fail_sys(err, "verify: lock the directory packs");
	if (list_names(cat, app_id, id, &names, err) < 0 || list_packs(&v, err) < 0)
		return sn_ctx(err, "verify");
	for (size_t i = 0; !id && i < v.pack_count; i++)
		v.total += v.packs[i].pages;
	for (size_t i = 0; i < names.count; i++) {
		const struct name *name = &names.list[i];

		if (name->id ? verify_snapshot(&v, name, err) < 0 ||
				       verify_demands(&v, name, err) < 0
			     : verify_app(&v, name->app_id, err) < 0)
			return sn_ctx(err, "verify");
	}
	if (app_id)
		return 0;
	for (size_t i = 0; i < v.pack_count; i++)
		if (verify_pack(&v, &v.packs[i], err) < 0)
			return sn_ctx(err, "verify");
	return verify_database(&v, err) < 0 ? sn_ctx(err, "verify") : 0;
}
