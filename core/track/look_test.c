// SPDX-License-Identifier: Apache-2.0
/* A look finds what the next scan would, and that scan finds it still; also while it runs. */
#include "core/track/test_each.h"

#include "core/base/guard.h"

/* Since what a scan found: `base`. */
static void look(struct rig *rig, const struct pagemap *base)
{
	hold(rig);
	OK(rig, tracker_look(rig->tracker, rig->pid, rig->model, &rig->found, &rig->err));
	let_go(rig);
	tracked_add_missing(&rig->found, base);
}

static void test_look_takes_no_note(void **state)
{
	sn_auto(pagemap_release) struct pagemap base = {0};
	struct rig *rig = *state;

	needs_tracker(rig);
	order(rig, write_pages, 0, 8);
	settle(rig);
	pagemap_copy(&base, &rig->found.present);
	order(rig, write_pages, 2, 1);
	order(rig, write_pages, 5, 2);
	for (int i = 0; i < 3; i++) {
		look(rig, &base);
		assert_pages(rig, AREA, 8, "xxxxxxxx", "..x..xx.");
	}
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", "..x..xx.");
	look(rig, &base);
	assert_pages(rig, AREA, 8, "xxxxxxxx", "........");
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", "........");
}

/* What the tracker has not met, and what was moved, has changed for a look, too. */
static void test_look_at_what_is_new(void **state)
{
	sn_auto(pagemap_release) struct pagemap base = {0};
	struct rig *rig = *state;

	needs_tracker(rig);
	order(rig, write_pages, 0, 8);
	settle(rig);
	pagemap_copy(&base, &rig->found.present);
	order(rig, move_pages, 0, 8);
	look(rig, &base);
	assert_pages(rig, OTHER, 8, "xxxxxxxx", "xxxxxxxx");
	order(rig, move_back, 0, 8);
	look(rig, &base);
	assert_pages(rig, AREA, 8, "xxxxxxxx", "xxxxxxxx");
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", "xxxxxxxx");
}

/* Without a scan before, and after one that was lost, all has. */
static void test_look_without_a_scan(void **state)
{
	static const struct pagemap base;
	struct rig *rig = *state;

	needs_tracker(rig);
	order(rig, write_pages, 1, 4);
	look(rig, &base);
	assert_pages(rig, AREA, 8, ".xxxx...", ".xxxx...");
	scan(rig);
	assert_pages(rig, AREA, 8, ".xxxx...", ".xxxx...");
	tracker_lost(rig->tracker);
	look(rig, &base);
	assert_pages(rig, AREA, 8, ".xxxx...", ".xxxx...");
	scan(rig);
	assert_equal_maps(&rig->found.present, &rig->found.dirty);
}

static void scan_running(struct rig *rig)
{
	OK(rig, tracker_scan_running(rig->tracker, rig->pid, rig->model, &rig->found, &rig->err));
}

/* What cannot be scanned while it runs is unknown, and the next scan finds it. */
static void test_scan_of_a_running_process(void **state)
{
	struct rig *rig = *state;

	needs_tracker(rig);
	order(rig, write_pages, 0, 8);
	settle(rig);
	order(rig, write_pages, 2, 3);
	scan_running(rig);
	if (tracker_scans_running(rig->tracker)) {
		assert_pages(rig, AREA, 8, "xxxxxxxx", "..xxx...");
		assert_int_equal(pagemap_pages(&rig->found.unknown), 0);
		scan(rig);
		assert_pages(rig, AREA, 8, "xxxxxxxx", "........");
		return;
	}
	assert_pages(rig, AREA, 8, "........", "........");
	assert_int_equal(count_in(&rig->found.unknown, AREA, 8), 3);
	scan(rig);
	assert_pages(rig, AREA, 8, "xxxxxxxx", "..xxx...");
}

static void test_scan_of_a_running_process_that_is_not_known(void **state)
{
	struct rig *rig = *state;

	needs_tracker(rig);
	hold(rig);
	let_go(rig);
	order(rig, write_pages, 1, 4);
	scan_running(rig);
	assert_pages(rig, AREA, 8, "........", "........");
	assert_int_equal(count_in(&rig->found.unknown, AREA, 8), 4);
	scan(rig);
	assert_pages(rig, AREA, 8, ".xxxx...", ".xxxx...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_look_takes_no_note),
		EACH(test_look_at_what_is_new),
		EACH(test_look_without_a_scan),
		EACH(test_scan_of_a_running_process),
		EACH(test_scan_of_a_running_process_that_is_not_known),
	};

	return RUN(tests);
}
