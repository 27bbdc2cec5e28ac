// SPDX-License-Identifier: Apache-2.0
/*
 * The trackers against a living child that writes, maps, moves and drops memory on order.
 * Each scan is held against what the child has done: what it wrote and nothing else where it
 * is known to the tracker, everything where it is not.
 */
#include "core/track/test_each.h"

#include "core/base/guard.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#define PFN_MASK ((UINT64_C(1) << 55) - 1)

/* Not every kernel shows the zero page where fresh memory is read: some give a page at once.
 * Their frames tell (proc_pid_pagemap(5)); to whom they are hidden they look the same. */
static bool reading_brings_zero_page(void)
{
	volatile const char *mem = mmap(NULL, 4 * PAGE_BYTES, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sn_auto_fd int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entries[4];
	char sum;

	assert_true(mem != MAP_FAILED);
	sum = mem[0];
	sum += mem[3 * PAGE_BYTES];
	assert_int_equal(sum, 0);
	assert_int_equal(pread(fd, entries, sizeof(entries),
			       (off_t)((uintptr_t)mem / PAGE_BYTES * sizeof(*entries))),
			 sizeof(entries));
	munmap((void *)mem, 4 * PAGE_BYTES);
	return (entries[0] & PFN_MASK) == (entries[3] & PFN_MASK);
}

/* By PAGEMAP_SCAN, or by the entries of the page map? */
static bool scans(const struct rig *rig)
{
	return strcmp(rig->name, "soft-dirty") == 0 ? rig->caps.pagemap_scan_soft_dirty
						    : rig->caps.pagemap_scan;
}

/* Entries do not tell the zero page from the task's own. */
static bool tells_zero_page(const struct rig *rig)
{
	return scans(rig) && reading_brings_zero_page();
}

/* ---- what it finds ---- */

static void test_first_scan(void **state)
{
	struct rig *rig = *state;

	needs_tracker(rig);
	order(rig, write_pages, 1, 4);
	scan(rig);
	assert_pages(rig, AREA, 8, ".xxxx...", ".xxxx...");
	assert_equal_maps(&rig->found.present, &rig->found.dirty);
}

static void test_nothing_written(void **state)
{
	struct rig *rig = *state;

	needs_tracker(rig);
	order(rig, write_pages, 0, 8);
	settle(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", "........");
	order(rig, read_pages, 0, 8);
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", "........");
}

static void test_written(void **state)
{
	struct rig *rig = *state;

	needs_tracker(rig);
	order(rig, write_pages, 0, 8);
	settle(rig);
	order(rig, write_pages, 2, 1);
	order(rig, write_pages, 5, 2);
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", "..x..xx.");
	order(rig, write_pages, 5, 1); /* again: each scan begins anew */
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", ".....x..");
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", "........");
}

/* Pages that were not there: by a write, and by a read, which brings the zero page. */
static void test_first_touch(void **state)
{
	struct rig *rig = *state;

	needs_tracker(rig);
	order(rig, write_pages, 0, 2);
	settle(rig);
	order(rig, write_pages, 3, 1);
	order(rig, read_pages, 5, 1);
	scan(rig);
	if (tells_zero_page(rig))
		assert_pages(rig, AREA, 8, "xx.x....", "...x....");
	else
		assert_pages(rig, AREA, 8, "xx.x.x..", "...x.x..");
	order(rig, write_pages, 5, 1); /* over the zero page */
	scan(rig);
	assert_pages(rig, AREA, 8, "xx.x.x..", ".....x..");
}

/* What the kernel writes for the program, and what others write. */
static void test_written_by_others(void **state)
{
	struct rig *rig = *state;
	char byte = 'x';
	struct iovec local = {&byte, 1}, remote = {(void *)(AREA + 6 * PAGE_BYTES), 1};

	needs_tracker(rig);
	order(rig, write_pages, 0, 8);
	settle(rig);
	order(rig, read_into_page, 3, 1);
	assert_int_equal(process_vm_writev(rig->pid, &local, 1, &remote, 1, 0), 1);
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", "...x..x.");
}

static void test_dropped(void **state)
{
	struct rig *rig = *state;

	needs_tracker(rig);
	order(rig, write_pages, 0, 8);
	settle(rig);
	order(rig, drop_pages, 2, 3);
	order(rig, write_pages, 3, 1);
	scan(rig);
	assert_pages(rig, AREA, 8, "xx.x.xxx", "...x....");
	order(rig, read_pages, 2, 1); /* the zero page is no page of its own */
	scan(rig);
	if (tells_zero_page(rig))
		assert_pages(rig, AREA, 8, "xx.x.xxx", "........");
	else
		assert_pages(rig, AREA, 8, "xxxx.xxx", "..x.....");
}

static void test_new_mapping(void **state)
{
	struct rig *rig = *state;

	needs_tracker(rig);
	settle(rig);
	order(rig, map_other, 0, 8);
	scan(rig);
	assert_pages(rig, OTHER, 8, "xxxxxxxx", "xxxxxxxx");
	scan(rig);
	assert_pages(rig, OTHER, 8, "xxxxxxxx", "........");
	order(rig, remap_other, 0, 8); /* another mapping at the same place */
	scan(rig);
	assert_pages(rig, OTHER, 8, "xxxxxxxx", "xxxxxxxx");
}

static void test_moved(void **state)
{
	struct rig *rig = *state;

	needs_tracker(rig);
	order(rig, write_pages, 0, 8);
	settle(rig);
	order(rig, move_pages, 0, 8);
	scan(rig);
	assert_pages(rig, OTHER, 8, "xxxxxxxx", "xxxxxxxx");
	assert_pages(rig, AREA, 8, "........", "........");
	scan(rig);
	assert_pages(rig, OTHER, 8, "xxxxxxxx", "........");
	order(rig, move_back, 0, 8);
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", "xxxxxxxx");
}

/* Whole page tables move at once, onto a place that was known: every page there is another. */
static void test_moved_by_tables(void **state)
{
	enum { PAGES = 1024 };
	struct rig *rig = *state;
	uint64_t to = MANY + PAGES * PAGE_BYTES;

	needs_tracker(rig);
	order(rig, map_many, 0, 2 * PAGES);
	settle(rig);
	order(rig, move_many, PAGES, PAGES);
	scan(rig);
	assert_int_equal(count_in(&rig->found.present, MANY, PAGES), 0);
	assert_int_equal(count_in(&rig->found.dirty, to, PAGES), PAGES);
	scan(rig);
	assert_int_equal(count_in(&rig->found.dirty, to, PAGES), 0);
}

/* Its old pages may be called changed, the new ones must. */
static void test_grown(void **state)
{
	struct rig *rig = *state;

	needs_tracker(rig);
	order(rig, map_other, 0, 4);
	settle(rig);
	order(rig, grow_other, 4, 8);
	scan(rig);
	assert_pages(rig, OTHER + 4 * PAGE_BYTES, 4, "xxxx", "xxxx");
	scan(rig);
	assert_pages(rig, OTHER, 8, "xxxxxxxx", "........");
	order(rig, grow_heap, 0, 4);
	scan(rig);
	assert_pages(rig, rig->s->heap, 4, "xxxx", "xxxx");
	scan(rig);
	assert_pages(rig, rig->s->heap, 4, "xxxx", "....");
}

static void test_protected_and_split(void **state)
{
	struct rig *rig = *state;

	needs_tracker(rig);
	order(rig, write_pages, 0, 8);
	settle(rig);
	order(rig, protect_pages, 3, 2);
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", "........");
	order(rig, write_pages, 2, 1);
	order(rig, write_pages, 6, 1);
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", "..x...x.");
	order(rig, unprotect_pages, 3, 2);
	order(rig, write_pages, 4, 1);
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", "....x...");
}

/* Of a private file mapping only what was written is the task's own. */
static void test_file(void **state)
{
	struct rig *rig = *state;

	needs_tracker(rig);
	order(rig, map_file, 0, 8);
	order(rig, write_other, 2, 1);
	settle(rig);
	assert_pages(rig, OTHER, 8, "..x.....", "........");
	order(rig, write_other, 5, 1);
	scan(rig);
	assert_pages(rig, OTHER, 8, "..x..x..", ".....x..");
	order(rig, write_other, 2, 1);
	scan(rig);
	assert_pages(rig, OTHER, 8, "..x..x..", "..x.....");
	/* what was dropped is the file's again: never an unchanged page of the task's own */
	order(rig, drop_other, 2, 4);
	scan(rig);
	assert_int_equal(count_in(&rig->found.present, OTHER, 8),
			 count_in(&rig->found.dirty, OTHER, 8));
}

static void test_shared_memory_is_left_out(void **state)
{
	struct rig *rig = *state;

	needs_tracker(rig);
	order(rig, map_shared, 0, 8);
	settle(rig);
	order(rig, write_other, 0, 8);
	scan(rig);
	assert_pages(rig, OTHER, 8, "........", "........");
}

/* A huge page is one: either all of it is called changed, or the small page written. */
static void test_huge_pages(void **state)
{
	enum { HUGE_PAGES = 512 };
	struct rig *rig = *state;
	uint64_t at = HUGE + (HUGE_PAGES + 17) * PAGE_BYTES;

	needs_tracker(rig);
	order(rig, map_huge, 0, 3 * HUGE_PAGES);
	settle(rig);
	assert_int_equal(count_in(&rig->found.present, HUGE, 3 * HUGE_PAGES), 3 * HUGE_PAGES);
	assert_int_equal(count_in(&rig->found.dirty, HUGE, 3 * HUGE_PAGES), 0);
	order(rig, write_huge, HUGE_PAGES + 17, 1);
	scan(rig);
	assert_pages(rig, at, 1, "x", "x");
	assert_int_equal(count_in(&rig->found.dirty, HUGE, HUGE_PAGES), 0);
	assert_int_equal(
		count_in(&rig->found.dirty, HUGE + 2 * HUGE_PAGES * PAGE_BYTES, HUGE_PAGES), 0);
	assert_int_equal(count_in(&rig->found.present, HUGE, 3 * HUGE_PAGES), 3 * HUGE_PAGES);
}

/* Far apart in a large mapping: nothing is filled in between. */
static void test_sparse(void **state)
{
	enum { FAR_PAGES = 16 << 20 }; /* 64 GiB */
	struct rig *rig = *state;
	uint64_t before, after;

	needs_tracker(rig);
	order(rig, map_sparse, 0, FAR_PAGES);
	before = page_tables_kib(rig);
	settle(rig);
	order(rig, write_many, FAR_PAGES / 2, 1);
	scan(rig);
	after = page_tables_kib(rig);
	assert_int_equal(count_in(&rig->found.dirty, MANY, FAR_PAGES), 1);
	assert_pages(rig, MANY + (uint64_t)FAR_PAGES / 2 * PAGE_BYTES, 1, "x", "x");
	assert_true(after - before < 1024);
}

/* ---- what it must not lose ---- */

static void test_lost(void **state)
{
	struct rig *rig = *state;

	needs_tracker(rig);
	order(rig, write_pages, 0, 8);
	settle(rig);
	tracker_lost(rig->tracker);
	scan(rig);
	assert_equal_maps(&rig->found.present, &rig->found.dirty);
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", "........");
}

static void test_clean(void **state)
{
	struct rig *rig = *state;
	sn_auto(pagemap_release) struct pagemap ours = {0};

	needs_tracker(rig);
	order(rig, write_pages, 0, 8);
	settle(rig);
	order(rig, write_pages, 1, 4);
	pagemap_append(&ours, page_key(0, AREA + 2 * PAGE_BYTES), 2, PAGE_LOC_ZERO);
	hold(rig);
	OK(rig, tracker_clean(rig->tracker, &ours, &rig->err));
	let_go(rig);
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", ".x..x...");
	order(rig, write_pages, 3, 1); /* it is still tracked */
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", "...x....");
}

/* As a revert does: scanned, written by us and cleaned without a step of the process. */
static void test_clean_while_frozen(void **state)
{
	struct rig *rig = *state;
	sn_auto(pagemap_release) struct pagemap ours = {0};
	char page[PAGE_BYTES] = "ours";

	needs_tracker(rig);
	order(rig, write_pages, 0, 4);
	settle(rig);
	order(rig, write_pages, 1, 2);
	hold(rig);
	OK(rig, tracker_scan(rig->tracker, rig->remote, rig->model, &rig->found, &rig->err));
	OK(rig, task_poke(&rig->task, AREA + 1 * PAGE_BYTES, page, sizeof(page), &rig->err));
	OK(rig, task_poke(&rig->task, AREA + 5 * PAGE_BYTES, page, sizeof(page), &rig->err));
	pagemap_append(&ours, page_key(0, AREA + 1 * PAGE_BYTES), 1, PAGE_LOC_ZERO);
	pagemap_append(&ours, page_key(0, AREA + 5 * PAGE_BYTES), 1, PAGE_LOC_ZERO);
	OK(rig, tracker_clean(rig->tracker, &ours, &rig->err));
	let_go(rig);
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxx.x..", "........");
	order(rig, write_pages, 5, 1);
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxx.x..", ".....x..");
}

/* A page that was not there, filled by us: written or not, it must not be called unchanged
 * before it is cleaned. */
static void test_clean_of_new_pages(void **state)
{
	struct rig *rig = *state;
	sn_auto(pagemap_release) struct pagemap ours = {0};
	char page[PAGE_BYTES] = "new";

	needs_tracker(rig);
	order(rig, write_pages, 0, 2);
	settle(rig);
	hold(rig);
	OK(rig, task_poke(&rig->task, AREA + 4 * PAGE_BYTES, page, sizeof(page), &rig->err));
	OK(rig, task_poke(&rig->task, AREA + 5 * PAGE_BYTES, page, sizeof(page), &rig->err));
	pagemap_append(&ours, page_key(0, AREA + 4 * PAGE_BYTES), 1, PAGE_LOC_ZERO);
	OK(rig, tracker_clean(rig->tracker, &ours, &rig->err));
	let_go(rig);
	scan(rig);
	assert_pages(rig, AREA, 8, "xx..xx..", ".....x..");
}

/* A child of the process shares its pages until one of them writes. */
static void test_fork(void **state)
{
	struct rig *rig = *state;

	needs_tracker(rig);
	order(rig, write_pages, 0, 8);
	settle(rig);
	order(rig, fork_child, 0, 0);
	order(rig, write_pages, 2, 1);
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", scans(rig) ? "..x....." : "xxxxxxxx");
	order(rig, end_child, 0, 0);
	order(rig, write_pages, 4, 1);
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", "....x...");
}

/* Another process under the same tracker: nothing is known of it. */
static void test_another_process(void **state)
{
	struct rig *rig = *state;
	pid_t first = rig->pid;

	needs_tracker(rig);
	order(rig, write_pages, 0, 8);
	settle(rig);
	order(rig, fork_child, 0, 0);
	rig->pid = rig->s->child;
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", "xxxxxxxx");
	assert_equal_maps(&rig->found.present, &rig->found.dirty);
	rig->pid = first;
	scan(rig);
	assert_equal_maps(&rig->found.present, &rig->found.dirty);
	order(rig, end_child, 0, 0);
}

static void test_exec(void **state)
{
	struct rig *rig = *state;

	needs_tracker(rig);
	order(rig, write_pages, 0, 8);
	settle(rig);
	exec_sleep(rig);
	scan(rig);
	assert_true(pagemap_pages(&rig->found.present) > 10);
	assert_equal_maps(&rig->found.present, &rig->found.dirty);
	/* it sleeps, once it has loaded its libraries */
	for (int tries = 0; tries < 100; tries++) {
		usleep(20000);
		scan(rig);
		if (pagemap_pages(&rig->found.dirty) < 10)
			return;
	}
	fail_msg("it goes on changing %lu pages", pagemap_pages(&rig->found.dirty));
}

/* Nothing of ours is in the process, and with the tracker its tracking ends. */
static void test_nothing_left_behind(void **state)
{
	struct rig *rig = *state;
	size_t fds = count_fds(rig);

	needs_tracker(rig);
	order(rig, write_pages, 0, 8);
	settle(rig);
	assert_int_equal(count_fds(rig), fds);
	assert_true(is_registered(rig));
	tracker_close(rig->tracker);
	rig->tracker = NULL;
	assert_false(is_registered(rig));
	order(rig, write_pages, 0, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_first_scan),
		EACH(test_nothing_written),
		EACH(test_written),
		EACH(test_first_touch),
		EACH(test_written_by_others),
		EACH(test_dropped),
		EACH(test_new_mapping),
		EACH(test_moved),
		EACH(test_moved_by_tables),
		EACH(test_grown),
		EACH(test_protected_and_split),
		EACH(test_file),
		EACH(test_shared_memory_is_left_out),
		EACH(test_huge_pages),
		EACH(test_sparse),
		EACH(test_lost),
		EACH(test_clean_while_frozen),
		UFFD(test_clean),
		UFFD(test_clean_of_new_pages),
		EACH(test_fork),
		EACH(test_another_process),
		EACH(test_exec),
		UFFD(test_nothing_left_behind),
	};

	return RUN(tests);
}
