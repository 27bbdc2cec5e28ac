/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/mapcode.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <endian.h>
#include <errno.h>
#include <xxh_x86dispatch.h>

enum where {
	FOLLOWS,
	ZERO,
	MOVED,
	GONE,
};

enum {
	VARINT_BYTES = 10,
	WHERE_SHIFT = 1,
	GAP_SHIFT = 3,
};

#define GONE_BIT (UINT64_C(1) << 63)

static uint64_t gone_loc(uint64_t key)
{
	return GONE_BIT | (key & ((UINT64_C(1) << PAGE_SPACE_SHIFT) - 1));
}

void mapcode_diff(struct pagemap *delta, const struct pagemap *from, const struct pagemap *to)
{
	sn_auto(pagemap_release) struct pagemap changed = {0};
	sn_auto(pagemap_release) struct pagemap gone = {0};

	pagemap_changed(&changed, to, from);
	pagemap_subtract(&gone, from, to);
	for (size_t i = 0; i < gone.len; i++)
		gone.runs[i].loc = gone_loc(gone.runs[i].key);
	pagemap_overlay(delta, &changed, &gone);
}

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
	while (value >= 0x80) {
		*at++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*at++ = (uint8_t)value;
	return at;
}

static uint64_t zigzag(uint64_t value)
{
	return (value << 1) ^ (0 - (value >> 63));
}

static uint64_t unzigzag(uint64_t value)
{
	return (value >> 1) ^ (0 - (value & 1));
}

static enum where where_of(const struct page_run *run, uint64_t next_loc)
{
	if (run->loc & GONE_BIT)
		return GONE;
	if (run->loc == PAGE_LOC_ZERO)
		return ZERO;
	return run->loc == next_loc ? FOLLOWS : MOVED;
}

static uint8_t *put_head(uint8_t *at, uint64_t gap, uint64_t count, enum where where)
{
	at = put_varint(at, gap << GAP_SHIFT | (uint64_t)where << WHERE_SHIFT | (count == 1));
	return count == 1 ? at : put_varint(at, count);
}

/*
 * The header has 61 bits for a gap, and the upper 16 bits of a key are a space: a
 * step over 8192 spaces or more does not fit. It is written before the run, as a
 * head with the count 0, which no run has, and the gap by itself.
 */
static uint8_t *put_run(uint8_t *at, const struct page_run *run, uint64_t end, uint64_t next_loc)
{
	enum where where = where_of(run, next_loc);
	uint64_t gap = run->key - end;

	if (gap >> (64 - GAP_SHIFT)) {
		at = put_varint(put_head(at, 0, 0, ZERO), gap);
		gap = 0;
	}
	at = put_head(at, gap, run->count, where);
	return where == MOVED ? put_varint(at, zigzag(run->loc - next_loc)) : at;
}

uint8_t *mapcode_encode(const struct pagemap *map, size_t *len)
{
	enum { RUN_BYTES = 6 * VARINT_BYTES };
	size_t cap = 2 * RUN_BYTES;
	uint8_t *bytes = sn_malloc(cap), *at = put_varint(bytes, map->len);
	uint64_t end = 0, next_loc = 0;

	for (size_t i = 0; i < map->len; i++) {
		const struct page_run *run = &map->runs[i];
		size_t used = (size_t)(at - bytes);

		if (cap - used < RUN_BYTES) {
			cap *= 2;
			bytes = sn_realloc(bytes, cap, 1);
			at = bytes + used;
		}
		at = put_run(at, run, end, next_loc);
		end = run->key + run->count;
		if (run->loc != PAGE_LOC_ZERO && !(run->loc & GONE_BIT))
			next_loc = run->loc + run->count;
	}
	*len = (size_t)(at - bytes);
	return bytes;
}

/* Bytes yet to be read. */
struct input {
	const uint8_t *at, *end;
	bool bad; /* ended too early, or a number was too large */
};

static uint64_t get_varint_slowly(struct input *in)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64 && in->at < in->end; shift += 7) {
		uint8_t byte = *in->at++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			in->bad |= shift == 63 && byte > 1;
			return value;
		}
	}
	in->bad = true;
	return 0;
}

#define VARINT_ENDS UINT64_C(0x8080808080808080)

/* Of the ends of numbers in a word the lowest is that of the first one. */
static inline size_t varint_len(uint64_t stop)
{
	return __builtin_ctzll(stop) / 8 + 1;
}

static inline uint64_t join_groups(uint64_t word, uint64_t stop)
{
	word &= (stop ^ (stop - 1)) & ~VARINT_ENDS;
	word = (word & 0x007f007f007f007f) | (word & 0x7f007f007f007f00) >> 1;
	word = (word & 0x00003fff00003fff) | (word & 0x3fff00003fff0000) >> 2;
	return (word & 0x000000000fffffff) | (word & 0x0fffffff00000000) >> 4;
}

/*
 * The lengths of numbers in a full map are as good as random, so a loop over the
 * bytes would be mispredicted at most of them, a quarter of a million times a map. Here up
 * to eight bytes are taken at once and their 7-bit groups pushed together.
 */
static inline uint64_t get_varint(struct input *in)
{
	uint64_t word, stop;

	if (in->at < in->end && *in->at < 0x80)
		return *in->at++;
	if (in->end - in->at < (ptrdiff_t)sizeof(word))
		return get_varint_slowly(in);
	memcpy(&word, in->at, sizeof(word));
	word = le64toh(word);
	stop = ~word & VARINT_ENDS;
	if (!stop)
		return get_varint_slowly(in);
	in->at += varint_len(stop);
	return join_groups(word, stop);
}

struct head {
	uint64_t gap, count;
	enum where where;
};

static inline struct head get_head(struct input *in)
{
	uint64_t first = get_varint(in);

	return (struct head){
		.gap = first >> GAP_SHIFT,
		.count = first & 1 ? 1 : get_varint(in),
		.where = first >> WHERE_SHIFT & 3,
	};
}

/* Where decoding stands. */
struct cursor {
	struct page_run last; /* count 0: none yet */
	uint64_t next_loc;    /* continues the last stored run */
};

/* The location of the run's first page; false when no page lies there. */
static inline bool get_loc(struct input *in, struct cursor *cursor, const struct head *head,
			   uint64_t key, uint64_t *loc)
{
	switch (head->where) {
	case ZERO:
		*loc = PAGE_LOC_ZERO;
		return true;
	case GONE:
		*loc = gone_loc(key);
		return true;
	case MOVED:
		cursor->next_loc += unzigzag(get_varint(in));
		break;
	case FOLLOWS:
		break;
	}
	*loc = cursor->next_loc;
	if (!*loc || *loc >= GONE_BIT || head->count > GONE_BIT - *loc)
		return false;
	cursor->next_loc += head->count;
	return true;
}

/* Whether a run that begins so would be one with `last`. */
static inline bool joins(const struct page_run *last, uint64_t key, uint64_t loc)
{
	if (last->key + last->count != key || !last->count)
		return false;
	if (last->loc == PAGE_LOC_ZERO || loc == PAGE_LOC_ZERO)
		return last->loc == loc;
	return last->loc + last->count == loc;
}

/*
 * Nearly every run of a map that was changed here and there for long: one page, right behind the
 * last, stored elsewhere. Head and location are taken at once. False: it is another, or damaged.
 */
static inline bool get_next_page(struct input *in, struct cursor *cursor)
{
	const uint8_t head = MOVED << WHERE_SHIFT | 1;
	uint64_t key = cursor->last.key + cursor->last.count, word, stop, loc;

	if (in->end - in->at < (ptrdiff_t)sizeof(word) || *in->at != head)
		return false;
	memcpy(&word, in->at, sizeof(word));
	word = le64toh(word) >> 8;
	stop = ~word & VARINT_ENDS >> 8;
	if (!stop)
		return false;
	loc = cursor->next_loc + unzigzag(join_groups(word, stop));
	if (!loc || loc >= GONE_BIT || joins(&cursor->last, key, loc) || key == UINT64_MAX)
		return false;
	in->at += 1 + varint_len(stop);
	cursor->last = (struct page_run){key, 1, loc};
	cursor->next_loc = loc + 1;
	return true;
}

/* Reads the next run into cursor->last. */
static inline bool get_run(struct input *in, struct cursor *cursor)
{
	uint64_t end = cursor->last.key + cursor->last.count, key, loc, unused;
	struct head head = get_head(in);

	if (!head.count) {
		if (__builtin_add_overflow(end, get_varint(in), &end))
			return false;
		head = get_head(in);
	}
	if (in->bad || !head.count || __builtin_add_overflow(end, head.gap, &key) ||
	    __builtin_add_overflow(key, head.count, &unused) ||
	    !get_loc(in, cursor, &head, key, &loc) || in->bad)
		return false;
	if (joins(&cursor->last, key, loc)) /* a map has but one encoding */
		return false;
	cursor->last = (struct page_run){key, head.count, loc};
	return true;
}

/* The number of runs, for which `map` gets room, and for `more` besides. */
static uint64_t begin(struct input *in, struct pagemap *map, size_t more)
{
	uint64_t runs = get_varint(in);

	pagemap_clear(map);
	if (runs > (uint64_t)(in->end - in->at)) { /* each takes a byte at least */
		in->bad = true;
		return 0;
	}
	pagemap_reserve(map, runs + more);
	return runs;
}

static int finish(const struct input *in, struct sn_err *err)
{
	if (in->bad || in->at != in->end)
		return sn_fail_code(err, EUCLEAN, "its bytes make no page map");
	return 0;
}

int mapcode_decode(struct pagemap *map, const uint8_t *bytes, size_t len, struct sn_err *err)
{
	struct input in = {.at = bytes, .end = bytes + len};
	struct cursor cursor = {.next_loc = 0};

	for (uint64_t runs = begin(&in, map, 0); runs && !in.bad; runs--) {
		if (get_next_page(&in, &cursor) || get_run(&in, &cursor))
			map->runs[map->len++] = cursor.last;
		else
			in.bad = true;
	}
	return finish(&in, err);
}

/* Two maps becoming one: a full one that comes run by run, and a delta. */
struct merge {
	struct pagemap *out; /* has room */
	const struct page_run *delta, *delta_end;
	uint64_t done; /* keys below are settled */
};

static inline void push(struct pagemap *map, uint64_t key, uint64_t count, uint64_t loc)
{
	if (map->len && joins(&map->runs[map->len - 1], key, loc))
		map->runs[map->len - 1].count += count;
	else
		map->runs[map->len++] = (struct page_run){key, count, loc};
}

/* The next run of the delta is due. */
static inline void merge_delta(struct merge *merge)
{
	const struct page_run *run = merge->delta++;

	if (!(run->loc & GONE_BIT))
		push(merge->out, run->key, run->count, run->loc);
	merge->done = run->key + run->count;
}

/* Pushes of a run what is settled neither before nor, from `to` on, later. */
static inline void merge_part(struct merge *merge, const struct page_run *run, uint64_t to)
{
	uint64_t start = run->key > merge->done ? run->key : merge->done;
	uint64_t skip = start - run->key;

	if (start < to)
		push(merge->out, start, to - start,
		     run->loc == PAGE_LOC_ZERO ? PAGE_LOC_ZERO : run->loc + skip);
}

static inline void merge_run(struct merge *merge, const struct page_run *run)
{
	uint64_t end = run->key + run->count;

	while (merge->delta < merge->delta_end && merge->delta->key < end) {
		merge_part(merge, run, merge->delta->key);
		merge_delta(merge);
	}
	merge_part(merge, run, end);
}

int mapcode_decode_forward(struct pagemap *map, const uint8_t *bytes, size_t len,
			   const struct pagemap *delta, struct sn_err *err)
{
	struct input in = {.at = bytes, .end = bytes + len};
	struct cursor cursor = {.next_loc = 0};
	struct merge merge = {map, delta->runs, delta->runs + delta->len, 0};

	for (uint64_t runs = begin(&in, map, 2 * delta->len); runs && !in.bad; runs--) {
		if (get_next_page(&in, &cursor) ||
		    (get_run(&in, &cursor) && !(cursor.last.loc & GONE_BIT)))
			merge_run(&merge, &cursor.last);
		else
			in.bad = true;
	}
	while (!in.bad && merge.delta < merge.delta_end)
		merge_delta(&merge);
	return finish(&in, err);
}

uint64_t mapcode_sum(const struct pagemap *map)
{
	/* runs are three 64-bit integers each, without padding, little-endian here */
	_Static_assert(sizeof(struct page_run) == 24, "a run has no padding");
	return XXH3_64bits(map->runs, map->len * sizeof(*map->runs));
}
