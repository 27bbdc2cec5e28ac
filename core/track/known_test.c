// SPDX-License-Identifier: Apache-2.0
/* Trackers in much memory: what was there already, what was dropped in its midst, what came. */
#include "core/track/test_each.h"

/* More runs than the kernel keeps at once (512), and more than one call returns. */
static void test_many_runs(void **state)
{
	static const size_t sizes[] = {1024, 1026, 2048, 3000, 20000, 40000};
	struct rig *rig = *state;
	uint64_t ignored;
	size_t i, k;

	needs_tracker(rig);
	for (i = 0; i < sn_countof(sizes); i++) {
		order(rig, map_many, 0, sizes[i]);
		settle(rig);
		assert_int_equal(count_in(&rig->found.present, MANY, sizes[i]), sizes[i]);
		order(rig, write_every_second, 0, sizes[i]);
		scan(rig);
		assert_int_equal(count_in(&rig->found.present, MANY, sizes[i]), sizes[i]);
		assert_int_equal(count_in(&rig->found.dirty, MANY, sizes[i]), sizes[i] / 2);
		for (k = 0; k < sizes[i]; k += 2)
			assert_true(pagemap_find(&rig->found.dirty,
						 page_key(0, MANY + k * PAGE_BYTES), &ignored));
		scan(rig);
		assert_int_equal(count_in(&rig->found.dirty, MANY, sizes[i]), 0);
		order(rig, unmap_many, 0, sizes[i]);
	}
}

static void assert_many(const struct rig *rig, size_t first, size_t count, size_t present,
			size_t dirty)
{
	uint64_t at = MANY + first * PAGE_BYTES;

	assert_int_equal(count_in(&rig->found.present, at, count), present);
	assert_int_equal(count_in(&rig->found.dirty, at, count), dirty);
}

/* In memory that was there already, much of it: what was dropped, came back, and came anew. */
static void test_within_long_runs(void **state)
{
	enum { PAGES = 4096 };
	struct rig *rig = *state;

	needs_tracker(rig);
	order(rig, map_many, 0, PAGES);
	order(rig, drop_many, 1000, 100);
	settle(rig);
	assert_many(rig, 0, PAGES, PAGES - 100, 0);
	order(rig, drop_many, 100, 8);
	order(rig, write_many, 102, 2);
	order(rig, write_many, 500, 1);
	order(rig, drop_many, 2000, 1500);
	order(rig, write_many, 3000, 1);
	order(rig, write_many, 1050, 3);
	scan(rig);
	assert_many(rig, 0, PAGES, PAGES - 100 - 8 + 2 - 1500 + 1 + 3, 2 + 1 + 1 + 3);
	assert_many(rig, 100, 8, 2, 2);
	assert_many(rig, 102, 2, 2, 2);
	assert_many(rig, 500, 1, 1, 1);
	assert_many(rig, 3000, 1, 1, 1);
	assert_many(rig, 1050, 3, 3, 3);
	scan(rig);
	assert_many(rig, 0, PAGES, PAGES - 100 - 8 + 2 - 1500 + 1 + 3, 0);
	order(rig, write_many, 100, 8);
	order(rig, write_many, 2000, 1500);
	order(rig, write_many, 4095, 1);
	scan(rig);
	assert_many(rig, 0, PAGES, PAGES - 100 + 3, 8 + 1500 + 1);
}

/* Another mapping in the midst of one that was known; and one that was cut by a protection. */
static void test_cut_long_runs(void **state)
{
	enum { PAGES = 4096 };
	struct rig *rig = *state;

	needs_tracker(rig);
	order(rig, map_many, 0, PAGES);
	settle(rig);
	order(rig, remap_many, 1000, 600);
	order(rig, write_many, 1001, 1);
	order(rig, protect_many, 3000, 700);
	order(rig, write_many, 2999, 1);
	scan(rig);
	assert_many(rig, 0, PAGES, PAGES - 600 + 1, 2);
	assert_many(rig, 1000, 600, 1, 1);
	assert_many(rig, 2999, 1, 1, 1);
	scan(rig);
	assert_many(rig, 0, PAGES, PAGES - 600 + 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_many_runs),
		EACH(test_within_long_runs),
		EACH(test_cut_long_runs),
	};

	return RUN(tests);
}
