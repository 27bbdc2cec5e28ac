// SPDX-License-Identifier: Apache-2.0
#include "core/track/known.h"

#include "core/base/guard.h"

enum {
	LONG_PAGES = 512, /* a page table's; a scan of fewer costs no more than a call */
	NEAR_PAGES = 512, /* touched pages so near to each other are asked about together */
};

void known_set(struct tracker *t, const struct pagemap *present)
{
	size_t i;

	pagemap_clear(&t->known);
	for (i = 0; present && i < present->len; i++)
		if (present->runs[i].count >= LONG_PAGES)
			pagemap_append(&t->known, present->runs[i].key, present->runs[i].count,
				       PAGE_LOC_ZERO);
}

/* The runs, or parts of runs, in a mapping that are long. */
static void long_runs(const struct tracker *t, uint32_t space, const Sn__Mapping *m,
		      struct pagemap *runs)
{
	uint64_t first = page_key(space, m->start), end = page_key(space, m->end);
	size_t i;

	for (i = pagemap_seek(&t->known, first); i < t->known.len; i++) {
		const struct page_run *run = &t->known.runs[i];
		uint64_t from = run->key > first ? run->key : first;
		uint64_t to = run->key + run->count < end ? run->key + run->count : end;

		if (from >= end)
			break;
		if (to - from >= LONG_PAGES)
			pagemap_append(runs, from, to - from, PAGE_LOC_ZERO);
	}
}

bool known_in(const struct tracker *t, uint32_t space, const Sn__Mapping *m)
{
	uint64_t first = page_key(space, m->start);
	size_t i = pagemap_seek(&t->known, first);

	return t->caps->pagemap_scan_holes && !m->shared &&
	       m->type == SN__MAPPING_TYPE__MAPPING_ANON && i < t->known.len &&
	       t->known.runs[i].key < page_key(space, m->end);
}

struct known_scan {
	struct tracker *t;
	const Sn__Mapping *m;
	uint32_t space;
	struct pagemap runs;
	struct pagemap touched;
	struct tracked found; /* of the touched ones, and of the memory in between */
};

static int add_touched(void *arg, const struct page_state *state, struct sn_err *err)
{
	struct known_scan *s = arg;

	(void)err;
	pagemap_append(&s->touched, page_key(s->space, state->start),
		       (state->end - state->start) / PAGE_BYTES, PAGE_LOC_ZERO);
	return 0;
}

static int add_found(void *arg, const struct page_state *state, struct sn_err *err)
{
	struct known_scan *s = arg;

	(void)err;
	uffd_add(&s->found, s->space, state, false);
	return 0;
}

/* The touched pages of one run, stretch by stretch. */
static int scan_touched(struct known_scan *s, const struct page_run *run, struct sn_err *err)
{
	uint64_t end = run->key + run->count, from = 0, to = 0;
	size_t i, first = pagemap_seek(&s->touched, run->key);

	for (i = first; i < s->touched.len && s->touched.runs[i].key < end; i++) {
		const struct page_run *touched = &s->touched.runs[i];

		if (i > first && touched->key - to > NEAR_PAGES) {
			if (scan_range(s->t, s->m, page_key_addr(from), page_key_addr(to),
				       SCAN_PROTECT_WRITTEN, add_found, s, err) < 0)
				return -1;
			from = touched->key;
		} else if (i == first) {
			from = touched->key;
		}
		to = touched->key + touched->count;
	}
	return from == to ? 0
			  : scan_range(s->t, s->m, page_key_addr(from), page_key_addr(to),
				       SCAN_PROTECT_WRITTEN, add_found, s, err);
}

static int scan_between(struct known_scan *s, uint64_t start, uint64_t end, struct sn_err *err)
{
	return start == end
		       ? 0
		       : scan_range(s->t, s->m, start, end, SCAN_PROTECT, add_found, s, err);
}

static int scan_all(struct known_scan *s, struct sn_err *err)
{
	uint64_t at = s->m->start;
	size_t i;

	for (i = 0; i < s->runs.len; i++) {
		uint64_t start = page_key_addr(s->runs.runs[i].key);
		uint64_t end = start + s->runs.runs[i].count * PAGE_BYTES;

		if (scan_between(s, at, start, err) < 0 ||
		    scan_range(s->t, s->m, start, end, SCAN_TOUCHED, add_touched, s, err) < 0 ||
		    scan_touched(s, &s->runs.runs[i], err) < 0)
			return -1;
		at = end;
	}
	return scan_between(s, at, s->m->end, err);
}

/* What is neither protected nor, when asked, there and written has been dropped. */
static void conclude(struct known_scan *s, struct tracked *part)
{
	sn_auto(pagemap_release) struct pagemap kept = {0};
	sn_auto(pagemap_release) struct pagemap present = {0};
	size_t i;

	pagemap_subtract(&kept, &s->runs, &s->touched);
	pagemap_overlay(&present, &kept, &s->found.present);
	for (i = 0; i < present.len; i++)
		pagemap_append(&part->present, present.runs[i].key, present.runs[i].count,
			       PAGE_LOC_ZERO);
	for (i = 0; i < s->found.dirty.len; i++)
		pagemap_append(&part->dirty, s->found.dirty.runs[i].key,
			       s->found.dirty.runs[i].count, PAGE_LOC_ZERO);
}

int known_scan(struct tracker *t, uint32_t space, const Sn__Mapping *m, struct tracked *part,
	       struct sn_err *err)
{
	struct known_scan s = {.t = t, .m = m, .space = space};
	int result;

	long_runs(t, space, m, &s.runs);
	result = scan_all(&s, err);
	if (result == 0)
		conclude(&s, part);
	pagemap_release(&s.runs);
	pagemap_release(&s.touched);
	tracked_release(&s.found);
	return result;
}
