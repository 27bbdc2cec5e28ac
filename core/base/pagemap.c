/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page maps, see pagemap.h.
 *
 * Invariant of every map: for runs r and s next to each other, r.count > 0,
 * r.key + r.count <= s.key, and where these are equal s.loc does not continue r.
 * pagemap_append is the only function that makes runs, so it alone has to keep
 * it; the combinations of two maps cut both into pieces that lie wholly inside or
 * wholly outside of each (sweep_next) and append those they want.
 */
#include "core/base/pagemap.h"

#include "core/base/mem.h"

#include <assert.h>

static uint64_t run_end(const struct page_run *run)
{
	return run->key + run->count;
}

/* Location of the page `skip` pages into a run that begins at loc. */
static uint64_t loc_after(uint64_t loc, uint64_t skip)
{
	return loc == PAGE_LOC_ZERO ? PAGE_LOC_ZERO : loc + skip;
}

/* Zero pages have one location, so a run of stored pages never runs into them. */
static bool loc_continues(const struct page_run *run, uint64_t loc)
{
	if (run->loc == PAGE_LOC_ZERO || loc == PAGE_LOC_ZERO)
		return run->loc == loc;
	return run->loc + run->count == loc;
}

void pagemap_release(struct pagemap *map)
{
	free(map->runs);
	*map = (struct pagemap){0};
}

void pagemap_clear(struct pagemap *map)
{
	map->len = 0;
}

void pagemap_reserve(struct pagemap *map, size_t len)
{
	size_t cap = map->cap ? map->cap : 16;

	if (len <= map->cap)
		return;
	while (cap < len)
		cap *= 2;
	map->runs = sn_realloc(map->runs, cap, sizeof(*map->runs));
	map->cap = cap;
}

/* Appends to a map with room for a run. */
static inline void push(struct pagemap *map, uint64_t key, uint64_t count, uint64_t loc)
{
	if (map->len) {
		struct page_run *last = &map->runs[map->len - 1];

		if (key == run_end(last) && loc_continues(last, loc)) {
			last->count += count;
			return;
		}
	}
	map->runs[map->len++] = (struct page_run){key, count, loc};
}

void pagemap_append(struct pagemap *map, uint64_t key, uint64_t count, uint64_t loc)
{
	if (!count)
		return;
	assert(count <= UINT64_MAX - key);
	assert(!map->len || key >= run_end(&map->runs[map->len - 1]));
	if (map->len == map->cap)
		pagemap_reserve(map, map->len + 1);
	push(map, key, count, loc);
}

void pagemap_copy(struct pagemap *to, const struct pagemap *from)
{
	if (to == from)
		return;
	pagemap_reserve(to, from->len);
	if (from->len)
		memcpy(to->runs, from->runs, from->len * sizeof(*from->runs));
	to->len = from->len;
}

uint64_t pagemap_pages(const struct pagemap *map)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < map->len; i++)
		pages += map->runs[i].count;
	return pages;
}

uint64_t pagemap_stored(const struct pagemap *map)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < map->len; i++)
		pages += map->runs[i].loc != PAGE_LOC_ZERO ? map->runs[i].count : 0;
	return pages;
}

size_t pagemap_seek(const struct pagemap *map, uint64_t key)
{
	size_t low = 0, high = map->len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (run_end(&map->runs[mid]) <= key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool pagemap_find(const struct pagemap *map, uint64_t key, uint64_t *loc)
{
	size_t i = pagemap_seek(map, key);

	if (i == map->len || map->runs[i].key > key)
		return false;
	*loc = loc_after(map->runs[i].loc, key - map->runs[i].key);
	return true;
}

/* A walk over two maps at once. */
struct sweep {
	const struct pagemap *a, *b;
	size_t i, j;  /* runs that end after pos */
	uint64_t pos; /* everything below is done */
};

/* Pages that are all, or none of them, in a and in b. */
struct piece {
	uint64_t key, count;
	bool in_a, in_b;
	uint64_t loc_a, loc_b; /* of the first page */
};

/*
 * Where `run` stands to pos: sets *in and *loc when it covers pos, and lowers
 * *next to the next key at which that changes.
 */
static void look_at(const struct page_run *run, uint64_t pos, bool *in, uint64_t *loc,
		    uint64_t *next)
{
	uint64_t edge;

	*in = run && run->key <= pos;
	if (!run)
		return;
	if (*in)
		*loc = loc_after(run->loc, pos - run->key);
	edge = *in ? run_end(run) : run->key;
	if (edge < *next)
		*next = edge;
}

static bool sweep_next(struct sweep *sweep, struct piece *piece)
{
	const struct page_run *a = NULL, *b = NULL;
	uint64_t next = UINT64_MAX;

	if (sweep->i < sweep->a->len)
		a = &sweep->a->runs[sweep->i];
	if (sweep->j < sweep->b->len)
		b = &sweep->b->runs[sweep->j];
	if (!a && !b)
		return false;
	if (a && b && a->key == b->key && a->count == b->count && sweep->pos <= a->key) {
		/* the most frequent case by far: most of two maps is the same */
		*piece = (struct piece){a->key, a->count, true, true, a->loc, b->loc};
		sweep->pos = run_end(a);
		sweep->i++;
		sweep->j++;
		return true;
	}

	/* skip what neither has */
	if ((!a || a->key > sweep->pos) && (!b || b->key > sweep->pos))
		sweep->pos = !b || (a && a->key < b->key) ? a->key : b->key;

	look_at(a, sweep->pos, &piece->in_a, &piece->loc_a, &next);
	look_at(b, sweep->pos, &piece->in_b, &piece->loc_b, &next);
	piece->key = sweep->pos;
	piece->count = next - sweep->pos;
	sweep->pos = next;
	if (a && run_end(a) <= next)
		sweep->i++;
	if (b && run_end(b) <= next)
		sweep->j++;
	return true;
}

/* Begins out = a combination of a and b, neither of which may be out. */
static struct sweep sweep_into(struct pagemap *out, const struct pagemap *a,
			       const struct pagemap *b)
{
	assert(out != a && out != b);
	pagemap_clear(out);
	return (struct sweep){.a = a, .b = b};
}

/* Pushes those pages of a run whose keys are in from..to-1. */
static inline void push_part(struct pagemap *out, const struct page_run *run, uint64_t from,
			     uint64_t to)
{
	uint64_t start = run->key > from ? run->key : from;
	uint64_t end = run_end(run) < to ? run_end(run) : to;

	if (start < end)
		push(out, start, end - start, loc_after(run->loc, start - run->key));
}

/*
 * Not a sweep, for it has to be quick: the map of a snapshot is put together with it.
 * Every run of `over` goes in whole, and between two of them what `base` has there.
 */
void pagemap_overlay(struct pagemap *out, const struct pagemap *base, const struct pagemap *over)
{
	const struct page_run *at = base->runs, *end = at + base->len;
	uint64_t done = 0; /* keys below are in out */

	assert(out != base && out != over);
	pagemap_clear(out);
	/* a run of `over` may cut one of `base` in two */
	pagemap_reserve(out, base->len + 2 * over->len);
	for (size_t i = 0; i < over->len; i++) {
		const struct page_run *run = &over->runs[i];

		for (; at < end && run_end(at) <= run->key; at++)
			push_part(out, at, done, run->key);
		if (at < end)
			push_part(out, at, done, run->key);
		push(out, run->key, run->count, run->loc);
		done = run_end(run);
	}
	for (; at < end; at++)
		push_part(out, at, done, UINT64_MAX);
}

void pagemap_extend(struct pagemap *to, const struct pagemap *more)
{
	size_t i;

	for (i = 0; i < more->len; i++)
		pagemap_append(to, more->runs[i].key, more->runs[i].count, more->runs[i].loc);
}

void pagemap_add(struct pagemap *to, const struct pagemap *later)
{
	struct pagemap both = {0};

	pagemap_overlay(&both, to, later);
	pagemap_release(to);
	*to = both;
}

void pagemap_intersect(struct pagemap *out, const struct pagemap *map,
		       const struct pagemap *keys)
{
	struct sweep sweep = sweep_into(out, map, keys);
	struct piece piece;

	while (sweep_next(&sweep, &piece))
		if (piece.in_a && piece.in_b)
			pagemap_append(out, piece.key, piece.count, piece.loc_a);
}

void pagemap_subtract(struct pagemap *out, const struct pagemap *map, const struct pagemap *keys)
{
	struct sweep sweep = sweep_into(out, map, keys);
	struct piece piece;

	while (sweep_next(&sweep, &piece))
		if (piece.in_a && !piece.in_b)
			pagemap_append(out, piece.key, piece.count, piece.loc_a);
}

/* Within a piece both locations advance alike, so its first page speaks for all. */
void pagemap_changed(struct pagemap *out, const struct pagemap *map, const struct pagemap *other)
{
	struct sweep sweep = sweep_into(out, map, other);
	struct piece piece;

	while (sweep_next(&sweep, &piece))
		if (piece.in_a && !(piece.in_b && piece.loc_a == piece.loc_b))
			pagemap_append(out, piece.key, piece.count, piece.loc_a);
}

bool pagemap_equal(const struct pagemap *a, const struct pagemap *b)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++) {
		const struct page_run *r = &a->runs[i], *s = &b->runs[i];

		if (r->key != s->key || r->count != s->count || r->loc != s->loc)
			return false;
	}
	return true;
}
