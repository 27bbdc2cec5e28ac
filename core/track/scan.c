// SPDX-License-Identifier: Apache-2.0
/*
 * Walking page tables from outside: PAGEMAP_SCAN where the kernel has it, else the entries
 * of /proc/PID/pagemap. Only populated pages are asked for: over holes the scan would
 * install page-table markers (130 MB for an empty 64 GiB mapping).
 */
#include "core/track/internal.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kernel/uapi.h"

#include <errno.h>
#include <sys/ioctl.h>

enum { REGIONS = 8192, ENTRIES = 1 << 16 };

/*
 * When a protected page of a file's mapping is dropped, a marker stays that reads as a swapped
 * page, not written; what is there then is the file's. Nothing tells it from a page of the
 * task's own that was swapped, so both count as written.
 */
static bool may_be_marker(const struct page_region *region, bool file)
{
	return file && region->categories & PAGE_IS_SWAPPED &&
	       !(region->categories & PAGE_IS_PRESENT);
}

static int each_region(const struct page_region *region, bool file,
		       int (*each)(void *arg, const struct page_state *state, struct sn_err *err),
		       void *arg, struct sn_err *err)
{
	uint64_t is = region->categories;
	struct page_state state = {
		.start = region->start,
		.end = region->end,
		.own = !(is & (PAGE_IS_FILE | PAGE_IS_PFNZERO)),
		.written = is & PAGE_IS_WRITTEN || may_be_marker(region, file),
		.soft_dirty = is & PAGE_IS_SOFT_DIRTY,
	};

	return each(arg, &state, err);
}

/* Where the next call goes on. A full vector ends a walk too; but of a walk of more than 512
 * regions that came to its end Linux 6.18 leaves in walk_end where the 512th, 1024th, ... was. */
static uint64_t next_start(const struct pm_scan_arg *scan, const struct page_region *regions, int n)
{
	return n > 0 && regions[n - 1].end > scan->walk_end ? regions[n - 1].end : scan->walk_end;
}

static bool protects(enum scan_mode mode)
{
	return mode == SCAN_PROTECT || mode == SCAN_PROTECT_WRITTEN;
}

/* What is asked for. With nothing but "written" in both masks the kernel takes a short path. */
static void ask_for(struct pm_scan_arg *scan, enum scan_mode mode, bool file)
{
	scan->flags = protects(mode) ? PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC
		      : mode == SCAN_TOUCHED || mode == SCAN_CHECK ? PM_SCAN_CHECK_WPASYNC : 0;
	scan->category_mask =
		mode == SCAN_TOUCHED || mode == SCAN_PROTECT_WRITTEN ? PAGE_IS_WRITTEN : 0;
	scan->return_mask = PAGE_IS_WRITTEN;
	if (mode == SCAN_TOUCHED)
		return;
	scan->category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED;
	scan->return_mask |= PAGE_IS_PFNZERO | PAGE_IS_PRESENT | PAGE_IS_SWAPPED |
			     (file ? PAGE_IS_FILE : 0) |
			     (mode == SCAN_SOFT_DIRTY ? PAGE_IS_SOFT_DIRTY : 0);
}

static int scan_by_ioctl(struct tracker *t, const Sn__Mapping *m, uint64_t start, uint64_t end,
			 enum scan_mode mode,
			 int (*each)(void *arg, const struct page_state *state, struct sn_err *err),
			 void *arg, struct sn_err *err)
{
	/* of shared memory a marker says what it says of the page it stands for */
	bool file = !m->shared && (m->type == SN__MAPPING_TYPE__MAPPING_FILE ||
				   m->type == SN__MAPPING_TYPE__MAPPING_OBJECT);
	struct pm_scan_arg scan = {
		.size = sizeof(scan),
		.start = start,
		.end = end,
		.vec_len = REGIONS,
	};

	ask_for(&scan, mode, file);
	if (!t->regions)
		t->regions = sn_malloc(REGIONS * sizeof(*t->regions));
	scan.vec = (uint64_t)t->regions;
	while (scan.start < end) {
		int n = ioctl(t->pagemap_fd, PAGEMAP_SCAN, &scan), i;

		if (n < 0)
			return sn_fail_sys(err, "scan the pages at %#llx", scan.start);
		for (i = 0; i < n; i++)
			if (each_region(&t->regions[i], file, each, arg, err) < 0)
				return -1;
		scan.start = next_start(&scan, t->regions, n);
	}
	return 0;
}

/*
 * proc_pid_pagemap(5). The zero page, which a read brings in after MADV_DONTNEED, without the
 * bit, looks like private memory but for its not being mapped exclusively. Neither are pages
 * shared with a child after fork: both count as written.
 */
static int scan_by_entries(struct tracker *t, uint64_t start, uint64_t end,
			   int (*each)(void *arg, const struct page_state *state,
				       struct sn_err *err),
			   void *arg, struct sn_err *err)
{
	const uint64_t present = UINT64_C(1) << 63, swapped = UINT64_C(1) << 62,
		       shared = UINT64_C(1) << 61, exclusive = UINT64_C(1) << 56,
		       soft_dirty = UINT64_C(1) << 55;
	sn_auto_free uint64_t *entries = sn_malloc(ENTRIES * sizeof(*entries));
	uint64_t at;

	for (at = start; at < end;) {
		uint64_t want = (end - at) / PAGE_BYTES, i;
		ssize_t n;

		if (want > ENTRIES)
			want = ENTRIES;
		n = pread(t->pagemap_fd, entries, want * sizeof(*entries),
			  (off_t)(at / PAGE_BYTES * sizeof(*entries)));
		if (n <= 0)
			return sn_fail_sys(err, "read the page map at %#lx", at);
		for (i = 0; i < (uint64_t)n / sizeof(*entries); i++, at += PAGE_BYTES) {
			struct page_state state = {
				.start = at,
				.end = at + PAGE_BYTES,
				.own = !(entries[i] & shared),
				.written = true,
				.soft_dirty = (entries[i] & soft_dirty) ||
					      (entries[i] & (present | exclusive)) == present,
			};

			if ((entries[i] & (present | swapped)) && each(arg, &state, err) < 0)
				return -1;
		}
	}
	return 0;
}

int scan_range(struct tracker *t, const Sn__Mapping *mapping, uint64_t start, uint64_t end,
	       enum scan_mode mode,
	       int (*each)(void *arg, const struct page_state *state, struct sn_err *err),
	       void *arg, struct sn_err *err)
{
	if (mode == SCAN_SOFT_DIRTY ? t->caps->pagemap_scan_soft_dirty : t->caps->pagemap_scan)
		return scan_by_ioctl(t, mapping, start, end, mode, each, arg, err);
	return untouched_is(t, mapping) ? 0
					: scan_by_entries(t, start, end, each, arg, err);
}

int scan_mapping(struct tracker *t, const Sn__Mapping *mapping, enum scan_mode mode,
		 int (*each)(void *arg, const struct page_state *state, struct sn_err *err),
		 void *arg, struct sn_err *err)
{
	return scan_range(t, mapping, mapping->start, mapping->end, mode, each, arg, err);
}
