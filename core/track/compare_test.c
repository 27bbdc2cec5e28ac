// SPDX-License-Identifier: Apache-2.0
/* The tracker that compares, and which tracker is chosen. */
#include "core/track/test_rig.h"

#include "core/base/guard.h"
#include "core/task/proc.h"

static int setup_compare(void **state)
{
	return rig_setup(state, "compare");
}

static void test_compare(void **state)
{
	struct rig *rig = *state;

	order(rig, write_pages, 0, 4);
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxx....", "xxxx....");
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxx....", "xxxx....");
	assert_equal_maps(&rig->found.present, &rig->found.dirty);
	order(rig, drop_pages, 1, 1);
	scan(rig);
	assert_pages(rig, AREA, 8, "x.xx....", "x.xx....");
}

/* A kernel without PAGEMAP_SCAN: the same pages by the entries of the page map. */
static void test_compare_by_entries(void **state)
{
	struct rig *rig = *state;
	sn_auto(pagemap_release) struct pagemap by_ioctl = {0};
	sn_auto(pagemap_release) struct pagemap missed = {0};

	skip_unless(rig->caps.pagemap_scan, "the kernel has no PAGEMAP_SCAN to compare with");
	order(rig, write_pages, 0, 4);
	order(rig, map_file, 0, 8);
	order(rig, write_other, 2, 1);
	order(rig, map_many, 0, 70000); /* more than one read returns */
	scan(rig);
	pagemap_copy(&by_ioctl, &rig->found.present);
	rig->caps.pagemap_scan = false;
	scan(rig);
	pagemap_subtract(&missed, &by_ioctl, &rig->found.present);
	assert_int_equal(pagemap_pages(&missed), 0);
	assert_pages(rig, AREA, 8, "xxxx....", "xxxx....");
	assert_pages(rig, OTHER, 8, "..x.....", "..x.....");
	assert_int_equal(count_in(&rig->found.present, MANY, 70000), 70000);
}

static uint64_t bytes_read(void)
{
	struct sn_err err = {0};
	sn_auto_free char *text = proc_read(getpid(), "io", NULL, &err);
	uint64_t bytes = 0;

	assert_true(text && proc_field(text, "rchar", 10, &bytes));
	return bytes;
}

/* Without PAGEMAP_SCAN an absent page costs eight bytes, but not where a mapping has none. */
static void test_untouched(void **state)
{
	enum { FAR_PAGES = 16 << 20 }; /* 64 GiB, 128 MB of entries */
	struct rig *rig = *state;
	uint64_t before;

	rig->caps.pagemap_scan = false;
	order(rig, write_pages, 0, 4);
	order(rig, map_sparse, 0, FAR_PAGES);
	before = bytes_read();
	scan(rig);
	assert_true(bytes_read() - before < 4 << 20);
	assert_pages(rig, AREA, 8, "xxxx....", "xxxx....");
	order(rig, write_many, FAR_PAGES / 2, 1);
	scan(rig);
	assert_int_equal(count_in(&rig->found.present, MANY, FAR_PAGES), 1);
	assert_pages(rig, AREA, 8, "xxxx....", "xxxx....");
}

static void test_choice(void **state)
{
	struct kernel_caps caps = {0};
	struct tracker *t = NULL;
	struct sn_err err = {0};

	(void)state;
	assert_int_equal(tracker_open(&t, NULL, &caps, &err), 0);
	assert_string_equal(tracker_name(t), "compare");
	tracker_close(t);
	assert_int_equal(tracker_open(&t, "uffd", &caps, &err), -1);
	assert_string_equal(err.text, "this kernel cannot track by uffd: see `snapsh check`");
	assert_int_equal(tracker_open(&t, "magic", &caps, &err), -1);
	assert_string_equal(err.text, "no such tracker: magic");
	OK_(kernel_probe(&caps, &err));
	assert_int_equal(tracker_open(&t, "auto", &caps, &err), 0);
	assert_string_equal(tracker_name(t), caps.soft_dirty	  ? "soft-dirty"
					     : caps.uffd_wp_async ? "uffd"
								  : "compare");
	tracker_close(t);
	tracker_close(NULL);
}

#define COMPARE(test) cmocka_unit_test_setup_teardown(test, setup_compare, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		COMPARE(test_compare),
		COMPARE(test_compare_by_entries),
		COMPARE(test_untouched),
		cmocka_unit_test(test_choice),
	};

	return RUN(tests);
}
