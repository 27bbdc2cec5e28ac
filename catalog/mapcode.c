/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/mapcode.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <errno.h>
#include <xxhash.h>

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

void mapcode_apply(struct pagemap *out, const struct pagemap *base, const struct pagemap *delta)
{
	size_t kept = 0;

	pagemap_overlay(out, base, delta);
	for (size_t i = 0; i < out->len; i++)
		if (!(out->runs[i].loc & GONE_BIT))
			out->runs[kept++] = out->runs[i];
	out->len = kept;
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

static uint64_t get_varint(struct input *in)
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

struct head {
	uint64_t gap, count;
	enum where where;
};

static struct head get_head(struct input *in)
{
	uint64_t first = get_varint(in);

	return (struct head){
		.gap = first >> GAP_SHIFT,
		.count = first & 1 ? 1 : get_varint(in),
		.where = first >> WHERE_SHIFT & 3,
	};
}

/* Where decoding stands: the ends of the runs before. */
struct cursor {
	uint64_t key;
	uint64_t loc;
};

/* The location of the run's first page; false when no page lies there. */
static bool get_loc(struct input *in, struct cursor *cursor, const struct head *head,
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
		cursor->loc += unzigzag(get_varint(in));
		break;
	case FOLLOWS:
		break;
	}
	*loc = cursor->loc;
	if (!*loc || *loc >= GONE_BIT || head->count > GONE_BIT - *loc)
		return false;
	cursor->loc += head->count;
	return true;
}

static bool get_run(struct input *in, struct cursor *cursor, struct pagemap *map)
{
	struct head head = get_head(in);
	uint64_t key, loc;

	if (!head.count) {
		if (__builtin_add_overflow(cursor->key, get_varint(in), &cursor->key))
			return false;
		head = get_head(in);
	}
	if (in->bad || !head.count || __builtin_add_overflow(cursor->key, head.gap, &key) ||
	    __builtin_add_overflow(key, head.count, &cursor->key) ||
	    !get_loc(in, cursor, &head, key, &loc) || in->bad)
		return false;
	pagemap_append(map, key, head.count, loc);
	return true;
}

int mapcode_decode(struct pagemap *map, const uint8_t *bytes, size_t len, struct sn_err *err)
{
	struct input in = {.at = bytes, .end = bytes + len};
	uint64_t runs = get_varint(&in);
	struct cursor cursor = {.key = 0};

	pagemap_clear(map);
	for (uint64_t i = 0; i < runs && !in.bad; i++)
		if (!get_run(&in, &cursor, map))
			in.bad = true;
	if (in.bad || in.at != in.end)
		return sn_fail_code(err, EUCLEAN, "its bytes make no page map");
	return 0;
}

uint64_t mapcode_sum(const struct pagemap *map)
{
	/* runs are three 64-bit integers each, without padding, little-endian here */
	_Static_assert(sizeof(struct page_run) == 24, "a run has no padding");
	return XXH3_64bits(map->runs, map->len * sizeof(*map->runs));
}
