// SPDX-License-Identifier: Apache-2.0
/*
 * Which pages differ, and where in them. The two page maps are walked side by side: pages at the
 * same location are equal, of others the stored checksums are compared, and of those whose differ
 * the bytes.
 */
#include "snap/inspect/compare_internal.h"

enum { BATCH_PAGES = 1024, SUMS_WORTH = 8 };

/* A page that may differ. Without a location it is a file's, read by address. */
struct candidate {
	uint64_t from, to;
	uint64_t from_loc, to_loc;
	bool has_from, has_to;
	uint32_t span;
};

struct walk {
	struct compare *compare;
	struct candidate *batch;
	size_t count;
	uint8_t *from_bytes, *to_bytes;
	uint64_t done, total; /* pages that the first has */
};

/* ---- bytes ---- */

/* One side's pages of the batch into `buf`. */
static int read_side(struct walk *walk, bool second, uint8_t *buf, struct sn_err *err)
{
	struct inspect *in = second ? walk->compare->to : walk->compare->from;
	sn_auto_free struct page_run *runs = sn_malloc(walk->count * sizeof(*runs));
	size_t count = 0, first = 0;

	for (size_t i = 0; i < walk->count; i++) {
		const struct candidate *c = &walk->batch[i];
		uint64_t loc = second ? c->to_loc : c->from_loc;
		bool has = second ? c->has_to : c->has_from;
		bool stored = has && loc != PAGE_LOC_ZERO && !(loc & SNAP_LOC_FRESH);
		uint8_t *page = buf + i * PAGE_BYTES;

		if (stored) { /* those of the store together: read at once */
			runs[count++] = (struct page_run){.key = i, .count = 1, .loc = loc};
			continue;
		}
		if (count &&
		    catalog_runs_read(in->cat, runs, count, buf + first * PAGE_BYTES, err) < 0)
			return -1;
		in->pages_read += count;
		count = 0;
		first = i + 1;
		if (has ? memory_run_read(in, loc, 1, page, err) < 0
			: inspect_read(in, second ? c->to : c->from, page, PAGE_BYTES, err) < 0)
			return -1;
	}
	in->pages_read += count;
	return count ? catalog_runs_read(in->cat, runs, count, buf + first * PAGE_BYTES, err) : 0;
}

static void add_changed(struct compare *compare, const struct changed_page *page)
{
	if (compare->page_count == compare->page_cap) {
		compare->page_cap = compare->page_cap ? 2 * compare->page_cap : 256;
		compare->pages =
			sn_realloc(compare->pages, compare->page_cap, sizeof(*compare->pages));
	}
	compare->pages[compare->page_count++] = *page;
}

static void compare_one(struct walk *walk, size_t i)
{
	const struct candidate *c = &walk->batch[i];
	struct changed_page page = {.from = c->from, .to = c->to, .span = c->span};

	if (page_differs(walk->compare, &page, walk->from_bytes + i * PAGE_BYTES,
			 walk->to_bytes + i * PAGE_BYTES))
		add_changed(walk->compare, &page);
}

static int flush(struct walk *walk, struct sn_err *err)
{
	int rc = 0;

	if (!walk->count)
		return 0;
	if (read_side(walk, false, walk->from_bytes, err) < 0 ||
	    read_side(walk, true, walk->to_bytes, err) < 0)
		rc = -1;
	for (size_t i = 0; rc == 0 && i < walk->count; i++)
		compare_one(walk, i);
	walk->count = 0;
	return rc;
}

static int add_candidate(struct walk *walk, const struct candidate *c, struct sn_err *err)
{
	walk->batch[walk->count++] = *c;
	return walk->count == BATCH_PAGES ? flush(walk, err) : 0;
}

/* ---- the walk ---- */

/* A stretch in which both sides are as the first page says: at locations that count up, at that of
 * zeros, or not in the page map. */
struct stretch {
	struct candidate first;
	uint64_t pages;
};

static uint64_t loc_at(bool has, uint64_t loc, uint64_t i)
{
	return has && loc != PAGE_LOC_ZERO ? loc + i : PAGE_LOC_ZERO;
}

static bool is_stored(bool has, uint64_t loc)
{
	return has && loc != PAGE_LOC_ZERO && !(loc & SNAP_LOC_FRESH);
}

/* Sums of both sides, where both have some; `sums` has room for two of each page. */
static int read_sums(struct compare *compare, const struct stretch *s, uint64_t at, size_t n,
		     uint64_t *sums, struct sn_err *err)
{
	if (catalog_pages_sums(compare->from->cat, s->first.from_loc + at, n, sums, err) < 0 ||
	    catalog_pages_sums(compare->to->cat, s->first.to_loc + at, n, sums + n, err) < 0)
		return -1;
	return 0;
}

static int add_stretch(struct walk *walk, const struct stretch *s, struct sn_err *err)
{
	const struct candidate *first = &s->first;
	sn_auto_free uint64_t *sums = sn_malloc(2 * BATCH_PAGES * sizeof(*sums));
	/* of a few pages the bytes are as quickly there */
	bool has_sums = s->pages >= SUMS_WORTH && is_stored(first->has_from, first->from_loc) &&
			is_stored(first->has_to, first->to_loc);

	for (uint64_t at = 0; at < s->pages; at += BATCH_PAGES) {
		size_t n = s->pages - at < BATCH_PAGES ? s->pages - at : BATCH_PAGES;

		if (catalog_step(walk->compare->from->cat,
				 walk->done + (first->has_from ? at : 0), walk->total, err) < 0)
			return -1;
		if (has_sums && read_sums(walk->compare, s, at, n, sums, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++) {
			struct candidate c = *first;

			if (has_sums && sums[i] == sums[n + i])
				continue;
			c.from += (at + i) * PAGE_BYTES;
			c.to += (at + i) * PAGE_BYTES;
			c.from_loc = loc_at(c.has_from, c.from_loc, at + i);
			c.to_loc = loc_at(c.has_to, c.to_loc, at + i);
			if (add_candidate(walk, &c, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* Where a key stands in a map, and for how many pages that holds. */
static bool look_up(const struct pagemap *map, size_t *at, uint64_t key, uint64_t *loc,
		    uint64_t *pages)
{
	const struct page_run *run;

	while (*at < map->len && map->runs[*at].key + map->runs[*at].count <= key)
		++*at;
	run = *at < map->len ? &map->runs[*at] : NULL;
	*loc = PAGE_LOC_ZERO;
	if (!run || run->key > key) {
		if (run && run->key - key < *pages)
			*pages = run->key - key;
		return false;
	}
	*loc = run->loc ? run->loc + (key - run->key) : PAGE_LOC_ZERO;
	if (run->key + run->count - key < *pages)
		*pages = run->key + run->count - key;
	return true;
}

/* One side of a span, walked page by page. */
struct side {
	const struct pagemap *map;
	const Sn__Mapping *mapping;
	uint64_t key, object_key; /* of its first page */
	size_t at, object_at;     /* in the map */
};

static bool side_begin(struct side *side, const struct inspect *in, const Sn__Mapping *mapping,
		       uint64_t addr)
{
	*side = (struct side){.map = &in->map, .mapping = mapping};
	if (!memory_key(in, mapping, addr, &side->key))
		return false;
	side->object_key = memory_object_key(mapping, addr);
	side->at = pagemap_seek(side->map, side->key);
	side->object_at = pagemap_seek(side->map, side->object_key);
	return true;
}

/* Where its page number `done` is; false: it is the file's. What a private mapping of an object has
 * not copied is the object's; what else is in no page map is zeros. */
static bool side_look(struct side *side, uint64_t done, uint64_t *loc, uint64_t *pages)
{
	bool object = side->mapping->type == SN__MAPPING_TYPE__MAPPING_OBJECT;

	if (look_up(side->map, &side->at, side->key + done, loc, pages))
		return true;
	if (object && !side->mapping->shared)
		look_up(side->map, &side->object_at, side->object_key + done, loc, pages);
	return side->mapping->type != SN__MAPPING_TYPE__MAPPING_FILE;
}

static bool is_equal(const struct candidate *c)
{
	return (c->has_from == c->has_to && c->from_loc == c->to_loc &&
		!(c->from_loc & SNAP_LOC_FRESH));
}

static bool has_file(struct inspect *in, const Sn__Mapping *mapping)
{
	struct sn_err ignored;

	return mapping->type != SN__MAPPING_TYPE__MAPPING_FILE ||
	       memory_file(in, mapping, &ignored) >= 0;
}

/* Of a file that is not what it was nothing is known: its pages are passed over. */
static bool is_readable(struct compare *compare, const struct span *span, const struct candidate *c)
{
	return (c->has_from || has_file(compare->from, span->from_mapping)) &&
	       (c->has_to || has_file(compare->to, span->to_mapping));
}

static int walk_span(struct walk *walk, uint32_t number, struct sn_err *err)
{
	struct compare *compare = walk->compare;
	const struct span *span = &compare->spans[number];
	uint64_t total = span->len / PAGE_BYTES;
	struct side from, to;

	if (!side_begin(&from, compare->from, span->from_mapping, span->from) ||
	    !side_begin(&to, compare->to, span->to_mapping, span->to))
		return 0;
	for (uint64_t done = 0; done < total;) {
		struct stretch s = {.pages = total - done};
		struct candidate *c = &s.first;

		c->span = number;
		c->from = span->from + done * PAGE_BYTES;
		c->to = span->to + done * PAGE_BYTES;
		c->has_from = side_look(&from, done, &c->from_loc, &s.pages);
		c->has_to = side_look(&to, done, &c->to_loc, &s.pages);
		if (!is_equal(c) && is_readable(compare, span, c) && add_stretch(walk, &s, err) < 0)
			return -1;
		walk->done += c->has_from ? s.pages : 0;
		done += s.pages;
	}
	return 0;
}

/* Pages of a run that hold something. Of the store's it is known; fresh ones are looked at. */
static uint64_t count_filled(const struct inspect *in, const struct page_run *run)
{
	uint64_t first = run->loc & ~SNAP_LOC_FRESH, pages = 0;

	if (!(run->loc & SNAP_LOC_FRESH))
		return run->loc == PAGE_LOC_ZERO ? 0 : run->count;
	for (uint64_t i = first; i < first + run->count && i < in->fresh_count; i++) {
		const uint8_t *page = in->fresh + i * PAGE_BYTES;

		pages += page[0] || memcmp(page, page + 1, PAGE_BYTES - 1) != 0;
	}
	return pages;
}

static uint64_t count_outside(const struct inspect *in, const struct pagemap *spans)
{
	sn_auto(pagemap_release) struct pagemap lone = {0};
	uint64_t pages = 0;

	pagemap_subtract(&lone, &in->map, spans);
	for (size_t i = 0; i < lone.len; i++) {
		if (page_key_space(lone.runs[i].key) == in->task->space)
			pages += count_filled(in, &lone.runs[i]);
	}
	return pages;
}

/* Pages of private mappings that only one side has. Of two lives nothing is told of them. */
static uint64_t count_lone(const struct compare *compare)
{
	sn_auto(pagemap_release) struct pagemap spans = {0};
	uint64_t key;

	if (compare->moved)
		return 0;
	for (size_t i = 0; i < compare->span_count; i++) {
		const struct span *span = &compare->spans[i];

		if (!span->from_mapping->shared &&
		    memory_key(compare->from, span->from_mapping, span->from, &key))
			pagemap_append(&spans, key, span->len / PAGE_BYTES, PAGE_LOC_ZERO);
	}
	return count_outside(compare->from, &spans) + count_outside(compare->to, &spans);
}

int pages_compare(struct compare *compare, struct sn_err *err)
{
	sn_auto_free uint8_t *from = sn_malloc((size_t)BATCH_PAGES * PAGE_BYTES);
	sn_auto_free uint8_t *to = sn_malloc((size_t)BATCH_PAGES * PAGE_BYTES);
	sn_auto_free struct candidate *batch = sn_malloc(BATCH_PAGES * sizeof(*batch));
	struct walk walk = {compare, batch, 0, from, to, 0, pagemap_pages(&compare->from->map)};

	rseqs_find(compare);
	for (uint32_t i = 0; i < compare->span_count; i++) {
		if (walk_span(&walk, i, err) < 0)
			return -1;
	}
	compare->lone_pages = count_lone(compare);
	return flush(&walk, err);
}

/* ---- questions ---- */

/* The first changed page that ends behind addr. */
static size_t page_seek(const struct compare *compare, uint64_t addr)
{
	size_t low = 0, high = compare->page_count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (compare->pages[mid].from + PAGE_BYTES <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint64_t compare_next(const struct compare *compare, uint64_t addr, uint64_t end)
{
	for (size_t i = page_seek(compare, addr); i < compare->page_count; i++) {
		const struct changed_page *page = &compare->pages[i];
		uint64_t mask = page->mask, at;

		if (page->from >= end)
			break;
		if (addr > page->from)
			mask &= ~UINT64_C(0) << ((addr - page->from) / GRANULE_BYTES);
		if (!mask)
			continue;
		at = page->from + (uint64_t)__builtin_ctzl(mask) * GRANULE_BYTES;
		at = at > addr ? at : addr;
		return at < end ? at : end;
	}
	return end;
}

bool compare_is_same(const struct compare *compare, uint64_t from, uint64_t to, uint64_t len)
{
	uint64_t first, last;

	if (!len)
		return true;
	if (!compare_span(compare, from) || !compare_span(compare, from + len - 1) ||
	    !compare_translate(compare, from, &first) || first != to ||
	    !compare_translate(compare, from + len - 1, &last) || last != to + len - 1)
		return false;
	return compare_next(compare, from, from + len) == from + len;
}

uint64_t compare_pages(const struct compare *compare)
{
	return compare->page_count + compare->lone_pages;
}
