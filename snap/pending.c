// SPDX-License-Identifier: Apache-2.0
#include "snap/pending.h"

#include "core/base/mem.h"

#include <stdlib.h>
#include <string.h>

static void begin(struct pending *pending)
{
	size_t i;

	pending->before = sn_malloc((pending->map.len + 1) * sizeof(*pending->before));
	pending->left = 0;
	for (i = 0; i < pending->map.len; i++) {
		pending->before[i] = pending->left;
		pending->left += pending->map.runs[i].count;
	}
	pending->struck = sn_calloc(pending->left / 8 + 1, 1);
}

void pending_init(struct pending *pending, struct pagemap *map)
{
	size_t i;

	*pending = (struct pending){.left = 0};
	for (i = 0; i < map->len; i++)
		if (map->runs[i].loc != PAGE_LOC_ZERO)
			pagemap_append(&pending->map, map->runs[i].key, map->runs[i].count,
				       map->runs[i].loc);
	pagemap_release(map);
	begin(pending);
}

void pending_release(struct pending *pending)
{
	pagemap_release(&pending->map);
	free(pending->before);
	free(pending->struck);
	*pending = (struct pending){.left = 0};
}

void pending_copy(struct pending *to, const struct pending *from)
{
	*to = (struct pending){.left = 0};
	pending_left(from, &to->map);
	begin(to);
}

static bool is_struck(const struct pending *pending, uint64_t page)
{
	return pending->struck[page / 8] & 1 << page % 8;
}

bool pending_at(const struct pending *pending, uint64_t key, uint64_t max, struct page_run *run)
{
	size_t i = pagemap_seek(&pending->map, key);
	uint64_t skip, count;

	if (i == pending->map.len || pending->map.runs[i].key > key)
		return false;
	skip = key - pending->map.runs[i].key;
	if (max > pending->map.runs[i].count - skip)
		max = pending->map.runs[i].count - skip;
	for (count = 0; count < max; count++)
		if (is_struck(pending, pending->before[i] + skip + count))
			break;
	*run = (struct page_run){key, count, pending->map.runs[i].loc + skip};
	return count > 0;
}

bool pending_next(const struct pending *pending, struct page_run *keys, uint64_t max,
		  struct page_run *run)
{
	uint64_t end = keys->key + keys->count, key = keys->key;
	size_t i;

	for (i = pagemap_seek(&pending->map, key); i < pending->map.len; i++) {
		const struct page_run *r = &pending->map.runs[i];

		if (r->key >= end)
			break;
		for (key = r->key > key ? r->key : key; key < end && key < r->key + r->count;
		     key++) {
			if (is_struck(pending, pending->before[i] + key - r->key))
				continue;
			pending_at(pending, key, end - key < max ? end - key : max, run);
			keys->key = key + run->count;
			keys->count = end - keys->key;
			return true;
		}
	}
	return false;
}

void pending_strike(struct pending *pending, uint64_t key, uint64_t count)
{
	size_t i;

	for (i = pagemap_seek(&pending->map, key); i < pending->map.len; i++) {
		const struct page_run *run = &pending->map.runs[i];
		uint64_t from = run->key > key ? run->key : key;
		uint64_t end = run->key + run->count < key + count ? run->key + run->count
								   : key + count;

		for (; from < end; from++) {
			uint64_t page = pending->before[i] + from - run->key;

			pending->left -= !is_struck(pending, page);
			pending->struck[page / 8] |= (uint8_t)(1 << page % 8);
		}
		if (run->key + run->count >= key + count)
			break;
	}
}

void pending_left(const struct pending *pending, struct pagemap *map)
{
	size_t i;

	for (i = 0; i < pending->map.len; i++) {
		const struct page_run *run = &pending->map.runs[i];
		uint64_t page;

		for (page = 0; page < run->count; page++)
			if (!is_struck(pending, pending->before[i] + page))
				pagemap_append(map, run->key + page, 1, run->loc + page);
	}
}

void pending_move(struct pending *pending, uint64_t key, uint64_t count, uint64_t to)
{
	struct pagemap range = {0}, left = {0}, from = {0}, moved = {0}, stay = {0}, all = {0};
	size_t i;

	pagemap_append(&range, key, count, PAGE_LOC_ZERO);
	pending_left(pending, &left);
	pagemap_intersect(&from, &left, &range);
	pagemap_subtract(&stay, &left, &range);
	for (i = 0; i < from.len; i++)
		pagemap_append(&moved, from.runs[i].key - key + to, from.runs[i].count,
			       from.runs[i].loc);
	pagemap_overlay(&all, &stay, &moved);
	pending_release(pending);
	pending_init(pending, &all);
	pagemap_release(&range);
	pagemap_release(&left);
	pagemap_release(&from);
	pagemap_release(&moved);
	pagemap_release(&stay);
}
