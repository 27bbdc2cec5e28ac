// SPDX-License-Identifier: Apache-2.0
#include "snap/store.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/object_number.h"
#include "proto/image.h"

#include <errno.h>
#include <xxh_x86dispatch.h>

enum { BATCH_PAGES = 1024 };

/* Neighbours in the buffer, by their keys and in the base. */
struct part {
	uint64_t key, count;
	uint64_t base_loc; /* PAGE_LOC_ZERO: the base has none, or zeros */
	const uint8_t *pages;
};

/* Pages on their way into the store: neighbours in the buffer, wherever they belong. */
struct storing {
	struct catalog *cat;
	struct catalog_put *put;
	const struct pagemap *base;
	struct pagemap *out;       /* key and location of every page given */
	struct part parts[BATCH_PAGES]; /* not yet looked at */
	size_t part_count, part_pages;
	const uint8_t *pending;    /* the first page not yet put, NULL: none */
	uint64_t keys[BATCH_PAGES];
	uint64_t bases[BATCH_PAGES]; /* where the base has these keys' pages */
	size_t count;
	uint64_t done, total; /* pages */
};

void take_release(struct take *take)
{
	if (take->image)
		sn__image__free_unpacked(take->image, NULL);
	tracked_release(&take->tracked);
	copies_release(&take->copies);
	pagemap_release(&take->objects);
	pagemap_release(&take->kept);
	*take = (struct take){0};
}

static bool is_zero(const uint8_t *page)
{
	return page[0] == 0 && memcmp(page, page + 1, PAGE_BYTES - 1) == 0;
}

static int flush(struct storing *s, struct sn_err *err)
{
	uint64_t locs[BATCH_PAGES];
	size_t i;

	if (!s->count)
		return 0;
	catalog_tell(s->cat, s->done, s->total);
	if (catalog_put_pages(s->put, s->pending, s->count, s->bases, locs, err) < 0)
		return -1;
	for (i = 0; i < s->count; i++)
		pagemap_append(s->out, s->keys[i], 1, locs[i]);
	s->count = 0;
	s->pending = NULL;
	return 0;
}

static int put_page(struct storing *s, uint64_t key, const uint8_t *page, uint64_t base_loc,
		    struct sn_err *err)
{
	bool neighbour = page == s->pending + s->count * PAGE_BYTES;

	if ((s->count == BATCH_PAGES || !neighbour) && flush(s, err) < 0)
		return -1;
	if (!s->count)
		s->pending = page;
	s->bases[s->count] = base_loc;
	s->keys[s->count++] = key;
	return 0;
}

/* A page that is what the base has there already, or zeros, is not stored again. */
static int store_page(struct storing *s, uint64_t key, const uint8_t *page, uint64_t base_loc,
		      uint64_t base_sum, struct sn_err *err)
{
	uint64_t loc;

	s->done++;
	if (is_zero(page))
		loc = PAGE_LOC_ZERO;
	else if (base_loc != PAGE_LOC_ZERO && XXH3_64bits(page, PAGE_BYTES) == base_sum)
		loc = base_loc;
	else
		return put_page(s, key, page, base_loc, err);
	if (flush(s, err) < 0)
		return -1;
	pagemap_append(s->out, key, 1, loc);
	return 0;
}

static int find_sums(const struct storing *s, uint64_t *sums, struct sn_err *err)
{
	struct page_run runs[BATCH_PAGES];
	size_t i, count = 0;

	for (i = 0; i < s->part_count; i++)
		if (s->parts[i].base_loc != PAGE_LOC_ZERO)
			runs[count++] = (struct page_run){.count = s->parts[i].count,
							  .loc = s->parts[i].base_loc};
	return count ? catalog_runs_sums(s->cat, runs, count, sums, err) : 0;
}

static int store_parts(struct storing *s, struct sn_err *err)
{
	uint64_t sums[BATCH_PAGES], i;
	const struct part *part;
	size_t sum = 0;

	if (find_sums(s, sums, err) < 0)
		return -1;
	for (part = s->parts; part < s->parts + s->part_count; part++) {
		bool has = part->base_loc != PAGE_LOC_ZERO;

		for (i = 0; i < part->count; i++)
			if (store_page(s, part->key + i, part->pages + i * PAGE_BYTES,
				       has ? part->base_loc + i : PAGE_LOC_ZERO,
				       has ? sums[sum++] : 0, err) < 0)
				return -1;
	}
	s->part_count = s->part_pages = 0;
	return 0;
}

/* The part of one run that lies in one run of the base, or in none of them. */
static int add_part(struct storing *s, struct part part, struct sn_err *err)
{
	while (part.count) {
		uint64_t room = BATCH_PAGES - s->part_pages;
		uint64_t count = part.count < room ? part.count : room;
		struct part *added = &s->parts[s->part_count++];

		*added = part;
		added->count = count;
		s->part_pages += count;
		part.key += count;
		part.pages += count * PAGE_BYTES;
		part.base_loc += part.base_loc != PAGE_LOC_ZERO ? count : 0;
		part.count -= count;
		if (s->part_pages == BATCH_PAGES && store_parts(s, err) < 0)
			return -1;
	}
	return 0;
}

static int store_run(struct storing *s, const struct page_run *run, const uint8_t *pages,
		     struct sn_err *err)
{
	uint64_t key = run->key, end = run->key + run->count;
	size_t b = pagemap_seek(s->base, key);

	while (key < end) {
		const struct page_run *base = b < s->base->len ? &s->base->runs[b] : NULL;
		uint64_t stop = end, loc = PAGE_LOC_ZERO;

		if (base && base->key <= key) {
			loc = base->loc ? base->loc + (key - base->key) : PAGE_LOC_ZERO;
			if (base->key + base->count < stop)
				stop = base->key + base->count;
			b++;
		} else if (base && base->key < stop) {
			stop = base->key;
		}
		if (add_part(s, (struct part){key, stop - key, loc,
					      pages + (key - run->key) * PAGE_BYTES}, err) < 0)
			return -1;
		key = stop;
	}
	return 0;
}

int store_pages(struct catalog *cat, struct catalog_put *put, const struct pagemap *base,
		const struct pagemap *at, const uint8_t *pages, struct pagemap *out,
		struct sn_err *err)
{
	sn_auto_free struct storing *s = sn_calloc(1, sizeof(*s));
	size_t i;

	s->cat = cat;
	s->put = put;
	s->base = base;
	s->out = out;
	s->total = pagemap_pages(at);
	for (i = 0; i < at->len; i++)
		if (store_run(s, &at->runs[i], pages + (at->runs[i].loc - 1) * PAGE_BYTES, err) < 0)
			return -1;
	return store_parts(s, err) < 0 ? -1 : flush(s, err);
}

/* The new map: what was copied, and of the base what the tracker calls unchanged. */
static int new_map(const struct session *session, const struct take *take,
		   const struct pagemap *stored, struct pagemap *map, struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap own = {0};
	sn_auto(pagemap_release) struct pagemap clean = {0};
	sn_auto(pagemap_release) struct pagemap kept = {0};

	pagemap_subtract(&own, &take->tracked.present, &take->tracked.dirty);
	pagemap_overlay(&clean, &own, &take->kept);
	pagemap_intersect(&kept, &session->base, &clean);
	if (pagemap_pages(&kept) != pagemap_pages(&clean))
		return sn_fail(err, "the tracker calls %lu pages unchanged that the parent lacks",
			       pagemap_pages(&clean) - pagemap_pages(&kept));
	pagemap_overlay(map, &kept, stored);
	return 0;
}

int store_take(struct session *session, const struct take *take, struct catalog_snapshot *snap,
	       struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap stored = {0};
	sn_auto(pagemap_release) struct pagemap map = {0};
	sn_auto_free uint8_t *image = NULL;
	const uint8_t *pages = copies_page(session, 1);
	struct catalog *cat = session->cat;
	struct catalog_put *put;
	size_t image_len;

	if (catalog_put_begin(cat, session->app.id, session->base_id, &put, err) < 0) {
		if (err->code == ESTALE)
			session_forget_base(session);
		return -1;
	}
	if (store_pages(cat, put, &session->base, &take->copies.at, pages, &stored, err) < 0 ||
	    store_pages(cat, put, &session->base, &take->objects, pages, &stored, err) < 0 ||
	    new_map(session, take, &stored, &map, err) < 0) {
		catalog_put_abort(put);
		return -1;
	}
	image_pack(take->image, &image, &image_len);
	if (catalog_put_commit(put, snap, image, image_len, &map,
			       snap->parent ? &session->base : NULL, err) < 0)
		return -1;
	pagemap_copy(&session->base, &map);
	session->numbers = objects_numbers(session->numbers, take->image);
	session->base_id = session->app.current = snap->id;
	return 0;
}
