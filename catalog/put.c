/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a snapshot: pages come in, are appended to a pack that is ours alone,
 * and become visible with one commit.
 *
 *	catalog_put_begin    a lease is held, a pack is locked       pages appended,
 *	catalog_put_pages    contents and index grow, unseen          nobody knows them
 *	catalog_put_commit   1. buffers are written
 *	                     2. contents and index are on the disk    durable, unseen
 *	                     3. rows of snapshot, image, map, packs
 *	                     4. COMMIT                                durable, visible
 *
 * A failure before 4 cuts what was appended. After a failure of 4 nobody can say
 * whether the log has the commit, so the tail is cut with care (packs.h).
 */
#include "catalog/apps.h"
#include "catalog/clock.h"
#include "catalog/db.h"
#include "catalog/encode.h"
#include "catalog/internal.h"
#include "catalog/lately.h"
#include "catalog/lease.h"
#include "catalog/maps.h"
#include "catalog/packs.h"
#include "catalog/read.h"
#include "catalog/snapshots.h"
#include "core/base/guard.h"
#include "core/base/mem.h"

#include <errno.h>
#include <string.h>
#include <xxh_x86dispatch.h>

enum {
	BATCH_PAGES = 256,
	TWIN_SLOTS = 1024,
};

enum { LEASE_WAIT_MS = 10000 };

struct catalog_put {
	struct catalog *cat;
	int lease;
	int64_t app_id;
	struct pack_writer *packs; /* the last is appended to; those before are full */
	size_t pack_count;
	bool beside; /* the application does not stand on it */
	bool broken; /* an append failed: what is in the packs is no longer known */
	struct added { /* pages appended, for those stored lately once they are committed */
		uint64_t sum, loc;
	} * added;
	size_t added_count, added_cap;
};

static void put_free(struct catalog_put *put)
{
	for (size_t i = 0; i < put->pack_count; i++)
		pack_writer_close(&put->packs[i]);
	free(put->packs);
	free(put->added);
	sn_guard_fd(&put->lease);
	free(put);
}

static int add_pack(struct catalog_put *put, struct sn_err *err)
{
	struct pack_writer writer;

	if (packs_acquire(put->cat, &writer, err) < 0)
		return -1;
	put->packs = sn_realloc(put->packs, put->pack_count + 1, sizeof(*put->packs));
	put->packs[put->pack_count++] = writer;
	return 0;
}

/* What was stored lately may have been called dead since. */
static int renew_lately(struct catalog *cat, struct sn_err *err)
{
	int64_t collections;

	if (lease_collections(cat, &collections, err) < 0)
		return -1;
	if (!cat->lately)
		cat->lately = lately_new();
	else if (cat->collections != collections)
		lately_clear(cat->lately);
	cat->collections = collections;
	return 0;
}

static int fail_dropped(int64_t id, struct sn_err *err)
{
	return sn_fail_code(err, ESTALE, "snapshot %lld, which it builds on, was dropped meanwhile",
			    (long long)id);
}

static int check_base(struct catalog *cat, int64_t app_id, int64_t based_on, struct sn_err *err)
{
	struct app_row row;
	int r;

	if (app_row_load(cat, app_id, &row, err) < 0)
		return -1;
	r = based_on ? snapshot_exists(cat, app_id, based_on, err) : 1;
	if (r)
		return r < 0 ? -1 : 0;
	return fail_dropped(based_on, err);
}

int catalog_put_begin(struct catalog *cat, int64_t app_id, int64_t based_on,
		      struct catalog_put **put, struct sn_err *err)
{
	struct catalog_put *made = sn_calloc(1, sizeof(*made));

	made->cat = cat;
	made->app_id = app_id;
	made->lease = lease_take(cat, false, LEASE_WAIT_MS, err);
	if (made->lease < 0 || check_base(cat, app_id, based_on, err) < 0 ||
	    renew_lately(cat, err) < 0 || add_pack(made, err) < 0) {
		put_free(made);
		return sn_ctx(err, "begin a snapshot");
	}
	*put = made;
	return 0;
}

void catalog_put_beside(struct catalog_put *put)
{
	put->beside = true;
}

/* A batch of pages on its way into the pack. */
struct batch {
	const uint8_t *pages;
	size_t count;
	uint64_t sums[BATCH_PAGES];
	uint64_t base_locs[BATCH_PAGES]; /* of full pages; PAGE_LOC_ZERO: none */
	uint64_t equal_locs[BATCH_PAGES]; /* of pages stored lately; PAGE_LOC_ZERO: none */
	uint16_t twins[TWIN_SLOTS]; /* by checksum: 1 + the last page that had it, 0 none */
	uint8_t bases[BATCH_PAGES * PAGE_BYTES];
	uint8_t equals[BATCH_PAGES * PAGE_BYTES];
};

/*
 * Reads the full pages behind `locs`; room i is for page i. A page that cannot be read is none
 * that another should depend on, so then the whole batch goes without.
 */
static void read_bases(struct catalog *cat, struct batch *batch, const uint64_t *locs)
{
	struct page_read reads[BATCH_PAGES];
	struct sn_err unheard;
	size_t n = 0;

	memset(batch->base_locs, 0, sizeof(batch->base_locs));
	for (size_t i = 0; locs && i < batch->count; i++)
		if (locs[i] != PAGE_LOC_ZERO)
			reads[n++] = (struct page_read){.loc = locs[i],
							.to = batch->bases + i * PAGE_BYTES};
	if (!n || pages_read_full(cat, reads, n, &unheard) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		batch->base_locs[(size_t)(reads[i].to - batch->bases) / PAGE_BYTES] = reads[i].loc;
}

/* Finds pages stored lately that are equal, byte for byte. */
static void find_equals(struct catalog *cat, struct batch *batch)
{
	struct page_read reads[BATCH_PAGES];
	struct sn_err unheard;
	size_t n = 0;

	for (size_t i = 0; i < batch->count; i++) {
		batch->equal_locs[i] = lately_find(cat->lately, batch->sums[i]);
		if (batch->equal_locs[i] != PAGE_LOC_ZERO)
			reads[n++] = (struct page_read){.loc = batch->equal_locs[i],
							.to = batch->equals + i * PAGE_BYTES};
	}
	if (n && pages_read(cat, reads, n, &unheard) < 0)
		memset(batch->equal_locs, 0, sizeof(batch->equal_locs));
	for (size_t i = 0; i < batch->count; i++)
		if (batch->equal_locs[i] != PAGE_LOC_ZERO &&
		    memcmp(batch->equals + i * PAGE_BYTES, batch->pages + i * PAGE_BYTES,
			   PAGE_BYTES) != 0)
			batch->equal_locs[i] = PAGE_LOC_ZERO;
}

/* A page before page i of the batch that is equal, byte for byte; i itself when none is known. */
static size_t find_twin(struct batch *batch, size_t i)
{
	uint16_t *slot = &batch->twins[batch->sums[i] % TWIN_SLOTS];

	if (*slot) {
		size_t twin = *slot - 1u;

		if (batch->sums[twin] == batch->sums[i] &&
		    memcmp(batch->pages + twin * PAGE_BYTES, batch->pages + i * PAGE_BYTES,
			   PAGE_BYTES) == 0)
			return twin;
	}
	*slot = (uint16_t)(i + 1);
	return i;
}

static void note_added(struct catalog_put *put, uint64_t sum, uint64_t loc)
{
	if (put->added_count == put->added_cap) {
		put->added_cap = put->added_cap ? 2 * put->added_cap : 1024;
		put->added = sn_realloc(put->added, put->added_cap, sizeof(*put->added));
	}
	put->added[put->added_count++] = (struct added){sum, loc};
}

static int append(struct catalog_put *put, struct batch *batch, size_t i, uint64_t *locs,
		  struct sn_err *err)
{
	struct pack_writer *writer = &put->packs[put->pack_count - 1];
	const uint8_t *page = batch->pages + i * PAGE_BYTES;
	size_t twin = find_twin(batch, i);
	struct encoded encoded;
	uint64_t number;

	locs[i] = twin != i ? locs[twin] : batch->equal_locs[i];
	if (locs[i] != PAGE_LOC_ZERO)
		return 0;
	encode_page(&encoded, page,
		    batch->base_locs[i] ? batch->bases + i * PAGE_BYTES : NULL,
		    batch->base_locs[i]);
	if (pack_writer_append(writer, encoded.encoding, encoded.bytes, encoded.len,
			       batch->sums[i], &number, err) < 0)
		return -1;
	locs[i] = pack_loc(writer->number, number);
	note_added(put, batch->sums[i], locs[i]);
	return 0;
}

static int put_batch(struct catalog_put *put, struct batch *batch, const uint64_t *bases,
		     uint64_t *locs, struct sn_err *err)
{
	for (size_t i = 0; i < batch->count; i++)
		batch->sums[i] = XXH3_64bits(batch->pages + i * PAGE_BYTES, PAGE_BYTES);
	find_equals(put->cat, batch);
	read_bases(put->cat, batch, bases);
	memset(batch->twins, 0, sizeof(batch->twins));
	for (size_t i = 0; i < batch->count; i++)
		if (append(put, batch, i, locs, err) < 0) {
			put->broken = true;
			return -1;
		}
	return 0;
}

int catalog_put_pages(struct catalog_put *put, const void *pages, size_t count,
		      const uint64_t *bases, uint64_t *locs, struct sn_err *err)
{
	sn_auto_free struct batch *batch = sn_malloc(sizeof(*batch));

	if (put->broken)
		return sn_fail(err, "store pages: an earlier write of this snapshot has failed");
	if (put->packs[put->pack_count - 1].bytes >= put->cat->rotate_bytes &&
	    add_pack(put, err) < 0)
		return -1;
	for (size_t done = 0; done < count; done += batch->count) {
		batch->pages = (const uint8_t *)pages + done * PAGE_BYTES;
		batch->count = count - done < BATCH_PAGES ? count - done : BATCH_PAGES;
		if (put_batch(put, batch, bases ? bases + done : NULL, locs + done, err) < 0)
			return -1;
	}
	return 0;
}

void catalog_put_abort(struct catalog_put *put)
{
	struct sn_err unheard; /* the next writer of the pack tries again */

	if (!put)
		return;
	for (size_t i = 0; i < put->pack_count; i++)
		pack_writer_cut(&put->packs[i], &unheard);
	put_free(put);
}

/* Steps 1 and 2. */
static int put_sync(struct catalog_put *put, struct sn_err *err)
{
	if (put->broken)
		return sn_fail(err, "an earlier write of its pages has failed");
	for (size_t i = 0; i < put->pack_count; i++)
		if (pack_writer_sync(&put->packs[i], err) < 0)
			return -1;
	return 0;
}

/* All that this snapshot adds to the catalog's files. */
static uint64_t added_bytes(const struct catalog_put *put, size_t image_len, size_t map_len)
{
	uint64_t bytes = image_len + map_len;

	for (size_t i = 0; i < put->pack_count; i++) {
		const struct pack_writer *writer = &put->packs[i];

		bytes += writer->bytes - writer->start_bytes;
		bytes += (writer->pages - writer->start_pages) * sizeof(struct pack_entry);
	}
	return bytes;
}

/*
 * Fills what the catalog decides. A parent that was dropped since the caller
 * looked is replaced by where that drop has left the application.
 */
static int settle(struct catalog_put *put, const struct app_row *row,
		  struct catalog_snapshot *snap, struct sn_err *err)
{
	int r = snap->parent ? snapshot_exists(put->cat, put->app_id, snap->parent, err) : 1;

	if (r < 0)
		return -1;
	if (!r && put->beside)
		return fail_dropped(snap->parent, err);
	if (!r)
		snap->parent = row->app.current;
	snap->id = row->next_snapshot;
	snap->app_id = put->app_id;
	if (!snap->created_ns)
		snap->created_ns = clock_realtime_ns();
	snap->message[sizeof(snap->message) - 1] = '\0';
	snap->tag[sizeof(snap->tag) - 1] = '\0';
	snap->tracker[sizeof(snap->tracker) - 1] = '\0';
	return 0;
}

/* What a snapshot is made of, beside its pages. */
struct content {
	const uint8_t *image;
	size_t image_len;
	const struct pagemap *map, *parent_map;
};

/* Step 3, inside the transaction. */
static int put_rows(struct catalog_put *put, struct catalog_snapshot *snap,
		    const struct content *content, struct sn_err *err)
{
	sn_auto(map_record_release) struct map_record map = {0};
	struct catalog *cat = put->cat;
	struct app_row row;

	if (app_row_load(cat, put->app_id, &row, err) < 0 || settle(put, &row, snap, err) < 0 ||
	    map_record_make(cat, &map, put->app_id, snap->id, snap->parent, content->map,
			    content->parent_map, err) < 0)
		return -1;
	snap->stored_bytes = added_bytes(put, content->image_len, map.len);
	if (snapshot_insert(cat, snap, err) < 0 ||
	    image_insert(cat, put->app_id, snap->id, content->image, content->image_len, err) < 0 ||
	    map_record_store(cat, &map, err) < 0)
		return -1;
	for (size_t i = 0; i < put->pack_count; i++)
		if (packs_record(cat, &put->packs[i], err) < 0)
			return -1;
	row.next_snapshot = snap->id + 1;
	if (!put->beside)
		row.app.current = snap->id;
	return app_row_store(cat, &row, err);
}

/* Steps 3 and 4; *tried says that 4 was begun. */
static int put_store(struct catalog_put *put, struct catalog_snapshot *snap,
		     const struct content *content, bool *tried, struct sn_err *err)
{
	sn_auto(db_txn_end) struct db_txn txn = {0};

	if (db_txn_begin(&txn, put->cat->db, err) < 0 || put_rows(put, snap, content, err) < 0)
		return -1;
	*tried = true;
	return db_txn_commit(&txn, err);
}

int catalog_put_commit(struct catalog_put *put, struct catalog_snapshot *snap,
		       const uint8_t *image, size_t image_len, const struct pagemap *map,
		       const struct pagemap *parent_map, struct sn_err *err)
{
	struct content content = {image, image_len, map, parent_map};
	struct catalog_snapshot stored = *snap;
	struct sn_err unheard; /* the next writer of the pack tries again */
	bool tried = false;

	if (put_sync(put, err) == 0 && put_store(put, &stored, &content, &tried, err) == 0) {
		*snap = stored;
		for (size_t i = 0; i < put->added_count; i++)
			lately_add(put->cat->lately, put->added[i].sum, put->added[i].loc);
		put_free(put);
		return 0;
	}
	if (!tried) {
		catalog_put_abort(put);
		return sn_ctx(err, "store the snapshot");
	}
	for (size_t i = 0; i < put->pack_count; i++)
		packs_cut(put->cat, &put->packs[i], &unheard);
	put_free(put);
	return sn_ctx(err, "store the snapshot");
}
