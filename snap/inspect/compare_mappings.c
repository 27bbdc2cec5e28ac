// SPDX-License-Identifier: Apache-2.0
/* Mappings that came, went, were replaced or re-protected. */
#include "snap/inspect/compare_internal.h"

struct listing {
	struct compare *compare;
	struct mapping_change *list;
	size_t count;
};

void mapping_changes_free(struct mapping_change *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(list[i].from);
		free(list[i].to);
	}
	free(list);
}

/* "rw- heap" */
static char *words(const struct inspect *in, const Sn__Mapping *mapping)
{
	sn_auto_free char *what = mapping_words(in, mapping, false);

	return sn_asprintf("%c%c%c %s", mapping->prot & 1 ? 'r' : '-',
			   mapping->prot & 2 ? 'w' : '-', mapping->prot & 4 ? 'x' : '-', what);
}

static bool is_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* What goes on with the same words is one. */
static void add(struct listing *listing, enum mapping_what what, uint64_t start, uint64_t end,
		const Sn__Mapping *from, const Sn__Mapping *to)
{
	struct mapping_change row = {
		.what = what,
		.start = start,
		.end = end,
		.from = from ? words(listing->compare->from, from) : NULL,
		.to = to ? words(listing->compare->to, to) : NULL,
	};
	struct mapping_change *last = listing->count ? &listing->list[listing->count - 1] : NULL;

	if (last && last->what == what && last->end == start && is_equal(last->from, row.from) &&
	    is_equal(last->to, row.to)) {
		last->end = end;
		free(row.from);
		free(row.to);
		return;
	}
	listing->list = sn_realloc(listing->list, listing->count + 1, sizeof(*listing->list));
	listing->list[listing->count++] = row;
}

static void look(struct listing *listing, uint64_t start, uint64_t end, const Sn__Mapping *from,
		 const Sn__Mapping *to)
{
	if (!from && to)
		add(listing, MAPPING_CAME, start, end, NULL, to);
	else if (from && !to)
		add(listing, MAPPING_WENT, start, end, from, NULL);
	else if (from && to && !mapping_is_same(from, to))
		add(listing, MAPPING_REPLACED, start, end, from, to);
	else if (from && to && from->prot != to->prot)
		add(listing, MAPPING_PROTECTED, start, end, from, to);
}

/* One life: stretches between any two borders of either side. */
static void by_address(struct listing *listing)
{
	const Sn__Task *a = listing->compare->from->task, *b = listing->compare->to->task;
	uint64_t at = 0;
	size_t i = 0, k = 0;

	while (i < a->n_mappings || k < b->n_mappings) {
		const Sn__Mapping *from = i < a->n_mappings ? a->mappings[i] : NULL;
		const Sn__Mapping *to = k < b->n_mappings ? b->mappings[k] : NULL;
		bool in_from = from && from->start <= at, in_to = to && to->start <= at;
		uint64_t next = UINT64_MAX;

		if (from)
			next = in_from ? from->end : from->start;
		if (to && (in_to ? to->end : to->start) < next)
			next = in_to ? to->end : to->start;
		look(listing, at, next, in_from ? from : NULL, in_to ? to : NULL);
		at = next;
		i += from && from->end <= at;
		k += to && to->end <= at;
	}
}

/* Special ones, and the main thread's stack, which every life has elsewhere. */
static bool is_everywhere(const Sn__Task *task, const Sn__Mapping *mapping)
{
	const Sn__AddressSpace *space = task->address_space;

	return mapping->type == SN__MAPPING_TYPE__MAPPING_SPECIAL ||
	       (space && mapping->start <= space->start_stack && mapping->end > space->start_stack);
}

static const struct span *span_to(const struct compare *compare, const Sn__Mapping *mapping)
{
	for (size_t i = 0; i < compare->span_count; i++) {
		if (compare->spans[i].to_mapping == mapping)
			return &compare->spans[i];
	}
	return NULL;
}

/* Two lives: those that nothing was matched with, and what of the matched is longer. */
static void by_match(struct listing *listing)
{
	const struct compare *compare = listing->compare;
	const Sn__Task *a = compare->from->task, *b = compare->to->task;

	for (size_t i = 0; i < a->n_mappings; i++) {
		const Sn__Mapping *m = a->mappings[i];
		const struct span *span = compare_span(compare, m->start);
		uint64_t end = span ? span->from + span->len : m->start;

		if (end < m->end && !is_everywhere(a, m))
			add(listing, MAPPING_WENT, end, m->end, m, NULL);
		if (span && span->from_mapping->prot != span->to_mapping->prot)
			add(listing, MAPPING_PROTECTED, m->start, m->end, m, span->to_mapping);
	}
	for (size_t i = 0; i < b->n_mappings; i++) {
		const Sn__Mapping *m = b->mappings[i];
		const struct span *span = span_to(compare, m);
		uint64_t end = span ? span->to + span->len : m->start;

		if (end < m->end && !is_everywhere(b, m))
			add(listing, MAPPING_CAME, end, m->end, NULL, m);
	}
}

void compare_mappings(struct compare *compare, struct mapping_change **list, size_t *count)
{
	struct listing listing = {.compare = compare};

	if (compare->moved)
		by_match(&listing);
	else
		by_address(&listing);
	*list = listing.list;
	*count = listing.count;
}
