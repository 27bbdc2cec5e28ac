/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/fragments.h"

#include "catalog/read.h"
#include "catalog/snapshots.h"
#include "core/base/guard.h"
#include "core/base/mem.h"

#include <stdlib.h>

enum {
	BATCH_PAGES = 4096,
	WORTH_PAGES = 256, /* fewer are read quickly wherever they lie */
};

/* Where contents lie. */
struct place {
	uint64_t loc;
	uint64_t offset;
	uint32_t len;
};

struct places {
	struct catalog *cat;
	struct pageset seen;
	struct place *list; /* each once, in the order in which they are to lie */
	size_t count, cap;
	struct page_read reads[BATCH_PAGES], bases[BATCH_PAGES];
	size_t read_count;
};

static void places_free(struct places **places)
{
	if (!*places)
		return;
	pageset_release(&(*places)->seen);
	free((*places)->list);
	free(*places);
}

static void add_place(struct places *places, const struct page_read *read)
{
	uint64_t loc = pack_loc(read->pack, read->page);

	if (!pageset_add(&places->seen, loc))
		return;
	if (places->count == places->cap) {
		places->cap = places->cap ? 2 * places->cap : BATCH_PAGES;
		places->list = sn_realloc(places->list, places->cap, sizeof(*places->list));
	}
	places->list[places->count++] = (struct place){loc, read->offset, read->len};
}

static int by_order(const void *a, const void *b)
{
	const struct page_read *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* Finds what has been gathered, and the bases among it. */
static int flush(struct places *places, struct sn_err *err)
{
	size_t count = places->read_count, bases = 0, next = 0;

	places->read_count = 0;
	if (pages_find_bases(places->cat, places->reads, count, err) < 0)
		return -1;
	qsort(places->reads, count, sizeof(*places->reads), by_order);
	for (size_t i = 0; i < count; i++)
		if (places->reads[i].encoding == PACK_DELTA)
			places->bases[bases++] = (struct page_read){
				.loc = places->reads[i].base_loc,
				.at = i,
			};
	if (pages_find(places->cat, places->bases, bases, err) < 0)
		return -1;
	qsort(places->bases, bases, sizeof(*places->bases), by_order);
	for (size_t i = 0; i < count; i++) {
		if (next < bases && places->bases[next].at == i)
			add_place(places, &places->bases[next++]);
		add_place(places, &places->reads[i]);
	}
	return 0;
}

static int find_places(struct places *places, const struct pagemap *map, struct sn_err *err)
{
	for (size_t i = 0; i < map->len; i++) {
		const struct page_run *run = &map->runs[i];

		for (uint64_t k = 0; run->loc != PAGE_LOC_ZERO && k < run->count; k++) {
			places->reads[places->read_count] = (struct page_read){
				.loc = run->loc + k,
				.at = places->read_count,
			};
			if (++places->read_count == BATCH_PAGES &&
			    (catalog_step(places->cat, 0, 0, err) < 0 || flush(places, err) < 0))
				return -1;
		}
	}
	return flush(places, err);
}

static uint64_t count_pieces(const struct places *places)
{
	uint64_t pieces = 1;

	for (size_t i = 1; i < places->count; i++) {
		const struct place *here = &places->list[i], *before = here - 1;

		pieces += pack_loc_number(here->loc) != pack_loc_number(before->loc) ||
			  here->offset != before->offset + before->len;
	}
	return pieces;
}

static int add_packs(struct mover *mover, const struct places *places, struct sn_err *err)
{
	for (size_t i = 0; i < places->count; i++) {
		int r = mover_add_pack(mover, pack_loc_number(places->list[i].loc), err);

		if (r <= 0)
			return r;
	}
	return 1;
}

int fragments_join(struct mover *mover, int64_t app_id, int64_t id, uint64_t piece_pages,
		   struct sn_err *err)
{
	sn_auto(places_free) struct places *places = sn_calloc(1, sizeof(*places));
	sn_auto(pagemap_release) struct pagemap map = {0};
	sn_auto_free struct pack_size *sizes = NULL;
	struct sn_err other;
	size_t count;
	int r;

	places->cat = mover->cat;
	if (catalog_map_load(mover->cat, app_id, id, &map, err) < 0) {
		r = snapshot_exists(mover->cat, app_id, id, &other);
		return r ? -1 : 0; /* dropped meanwhile */
	}
	if (packs_list(mover->cat, &sizes, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		pageset_widen(&places->seen, sizes[i].number, sizes[i].pages);
	if (find_places(places, &map, err) < 0)
		return -1;
	if (places->count < WORTH_PAGES || count_pieces(places) * piece_pages <= places->count)
		return 0;
	r = add_packs(mover, places, err);
	for (size_t i = 0; r > 0 && i < places->count; i++)
		mover_add_page(mover, places->list[i].loc);
	return r;
}
