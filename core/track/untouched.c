// SPDX-License-Identifier: Apache-2.0
/*
 * Large mappings that hold nothing. Without PAGEMAP_SCAN each page of address space costs eight
 * bytes of /proc/PID/pagemap, also where there is nothing: 64 GiB are 128 MB and 40 ms. smaps
 * counts by page tables, which holes have none of, but looks at every page that is there: so
 * it is read only where address space outweighs memory by far.
 *
 * The process is frozen: what holds nothing stays so, even with khugepaged. A mapping of which
 * little is used tells nothing of where that is, and is read as a whole.
 *
 * Source: proc_pid_smaps(5), proc_pid_statm(5)
 */
#include "core/track/internal.h"

#include "core/base/guard.h"
#include "core/task/proc.h"

#include <string.h>

static const uint64_t LARGE_BYTES = UINT64_C(256) << 20;
enum { OUTWEIGHS = 16 }; /* pages of address space, what smaps costs for one that is there */

static bool is_large(const Sn__Mapping *m)
{
	return m->type == SN__MAPPING_TYPE__MAPPING_ANON && m->end - m->start >= LARGE_BYTES;
}

static bool is_worth_it(const Sn__Task *model, pid_t pid, struct sn_err *err)
{
	sn_auto_free char *statm = proc_read(pid, "statm", NULL, err);
	uint64_t large = 0, resident = 0;
	size_t i;

	for (i = 0; i < model->n_mappings; i++)
		if (is_large(model->mappings[i]))
			large += (model->mappings[i]->end - model->mappings[i]->start) / PAGE_BYTES;
	return large && statm && sscanf(statm, "%*u %lu", &resident) == 1 &&
	       large > resident * OUTWEIGHS;
}

static uint64_t kib_of(const char *line, const char *name)
{
	uint64_t kib = 0;
	size_t len = strlen(name);

	if (strncmp(line, name, len) == 0)
		sscanf(line + len, "%lu", &kib);
	return kib;
}

static void add(struct pagemap *untouched, uint64_t start, uint64_t end, uint64_t kib)
{
	if (end - start >= LARGE_BYTES && kib == 0)
		pagemap_append(untouched, page_key(0, start), (end - start) / PAGE_BYTES,
			       PAGE_LOC_ZERO);
}

int untouched_find(struct tracker *t, const Sn__Task *model, pid_t pid, struct sn_err *err)
{
	sn_auto_free char *text = NULL;
	uint64_t start = 0, end = 0, kib = 0, next_start, next_end;
	char *line, *rest;

	if (!is_worth_it(model, pid, err))
		return 0;
	text = proc_read(pid, "smaps", NULL, err);
	if (!text)
		return -1;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		if (sscanf(line, "%lx-%lx ", &next_start, &next_end) == 2) {
			add(&t->untouched, start, end, kib);
			start = next_start, end = next_end, kib = 0;
		}
		kib += kib_of(line, "Rss:") + kib_of(line, "Swap:");
	}
	add(&t->untouched, start, end, kib);
	return 0;
}

bool untouched_is(const struct tracker *t, const Sn__Mapping *m)
{
	size_t r = pagemap_seek(&t->untouched, page_key(0, m->start));
	const struct page_run *run;

	if (!is_large(m) || r == t->untouched.len)
		return false;
	run = &t->untouched.runs[r];
	return page_key_addr(run->key) <= m->start &&
	       page_key_addr(run->key + run->count) >= m->end;
}
