// SPDX-License-Identifier: Apache-2.0
#include "snap/demands.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <stdlib.h>
#include <string.h>

void demands_release(struct demands *demands)
{
	free(demands->runs);
	*demands = (struct demands){.len = 0};
}

void demands_append(struct demands *demands, const struct page_run *run)
{
	struct page_run *last = demands->len ? &demands->runs[demands->len - 1] : NULL;

	if (!run->count)
		return;
	demands->pages += run->count;
	if (last && last->key + last->count == run->key && last->loc + last->count == run->loc) {
		last->count += run->count;
		return;
	}
	if (demands->len == demands->cap) {
		demands->cap = demands->cap ? 2 * demands->cap : 64;
		demands->runs = sn_realloc(demands->runs, demands->cap, sizeof(*demands->runs));
	}
	demands->runs[demands->len++] = *run;
}

void demands_append_map(struct demands *demands, const struct pagemap *map)
{
	size_t i;

	for (i = 0; i < map->len; i++)
		demands_append(demands, &map->runs[i]);
}

static void take_run(struct demands *to, const struct page_run *from, struct pending *pending)
{
	struct page_run rest = *from, run;
	uint64_t room;

	while ((room = DEMANDS_MAX_PAGES - to->pages) > 0 &&
	       pending_next(pending, &rest, room, &run)) {
		if (from->loc && run.loc != from->loc + run.key - from->key)
			continue;
		demands_append(to, &run);
		pending_strike(pending, run.key, run.count);
	}
}

void demands_take(struct demands *to, const struct demands *from, struct pending *pending)
{
	size_t i;

	for (i = 0; i < from->len; i++)
		take_run(to, &from->runs[i], pending);
}

static int by_key(const void *a, const void *b)
{
	const struct page_run *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

static int by_loc(const void *a, const void *b)
{
	const struct page_run *x = a, *y = b;

	return x->loc < y->loc ? -1 : x->loc > y->loc;
}

void demands_places(const struct demands *demands, struct pagemap *places)
{
	sn_auto_free struct page_run *runs = sn_malloc(demands->len * sizeof(*runs));
	uint64_t place = 1;
	size_t i;

	for (i = 0; i < demands->len; i++) {
		runs[i] = (struct page_run){demands->runs[i].key, demands->runs[i].count, place};
		place += runs[i].count;
	}
	qsort(runs, demands->len, sizeof(*runs), by_key);
	for (i = 0; i < demands->len; i++)
		pagemap_append(places, runs[i].key, runs[i].count, runs[i].loc);
}

void demands_of_places(struct demands *demands, const struct pagemap *places)
{
	sn_auto_free struct page_run *runs = sn_malloc(places->len * sizeof(*runs));
	size_t i;

	memcpy(runs, places->runs, places->len * sizeof(*runs));
	qsort(runs, places->len, sizeof(*runs), by_loc);
	for (i = 0; i < places->len; i++) {
		runs[i].loc = PAGE_LOC_ZERO;
		demands_append(demands, &runs[i]);
	}
}

/* ---- recording ---- */

static struct walk *find_walk(const struct recorder *recorder, uint64_t key)
{
	size_t i;

	for (i = 0; i < DEMANDS_WALKS; i++) {
		const struct walk *walk = &recorder->walks[i];

		if (walk->span && walk->along.key + walk->along.count == key)
			return (struct walk *)walk;
	}
	return NULL;
}

uint64_t recorder_span(const struct recorder *recorder, uint64_t key)
{
	const struct walk *walk = find_walk(recorder, key);

	if (!walk)
		return DEMANDS_FIRST_PAGES;
	return 2 * walk->span < DEMANDS_AHEAD_PAGES ? 2 * walk->span : DEMANDS_AHEAD_PAGES;
}

static void add(struct recorder *recorder, const struct page_run *run)
{
	if (recorder->demands.pages + run->count <= DEMANDS_MAX_PAGES)
		demands_append(&recorder->demands, run);
}

void recorder_note(struct recorder *recorder, const struct page_run *run)
{
	uint64_t span = recorder_span(recorder, run->key);
	struct walk *walk = find_walk(recorder, run->key);

	if (walk)
		add(recorder, &walk->along);
	else
		walk = &recorder->walks[recorder->turn++ % DEMANDS_WALKS];
	add(recorder, &(struct page_run){run->key, 1, run->loc});
	*walk = (struct walk){{run->key + 1, run->count - 1, run->loc + 1}, span};
}
