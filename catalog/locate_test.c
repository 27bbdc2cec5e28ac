/* SPDX-License-Identifier: Apache-2.0 */
/* Pages by key out of chains of maps: the answers are those of the whole maps. */
#include "catalog/test_world.h"

/* Around every run of the map, and in a space that no snapshot has. */
static void check(struct catalog *cat, struct catalog_locator *locator, int64_t app_id, int64_t id)
{
	sn_auto(pagemap_release) struct pagemap map = {0};
	uint64_t wanted, loc;
	struct sn_err err;

	assert_done(catalog_map_load(cat, app_id, id, &map, &err));
	for (size_t i = 0; i < map.len; i++) {
		for (uint64_t key = map.runs[i].key - (map.runs[i].key > 0);
		     key <= map.runs[i].key + map.runs[i].count; key++) {
			int has = pagemap_find(&map, key, &wanted);

			assert_int_equal(catalog_locate(locator, id, key, &loc, &err), has);
			if (has)
				assert_true(loc == wanted);
		}
	}
	assert_int_equal(catalog_locate(locator, id, page_key(999, 0), &loc, &err), 0);
}

static void check_all(struct catalog *cat, struct catalog_locator *locator, int64_t app_id)
{
	sn_auto_free struct catalog_snapshot *snaps = NULL;
	struct sn_err err;
	size_t count;

	assert_done(catalog_snapshot_list(cat, app_id, &snaps, &count, &err));
	for (size_t i = 0; i < count; i++)
		check(cat, locator, app_id, snaps[i].id);
}

static void test_as_whole_maps(void **state)
{
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	struct catalog_locator *locator;
	struct world world;
	struct sn_err err;
	uint64_t loc;

	(void)state;
	assert_done(catalog_open(&cat, dir, &err));
	assert_done(world_begin(&world, cat, "app", 1, &err));
	assert_done(world_take(&world, 200, &err));
	for (int i = 0; i < 100; i++) {
		if (i % 30 == 29)
			assert_done(world_go_back(&world, i - 10, &err));
		assert_done(world_take(&world, 3, &err));
	}
	assert_done(catalog_locator_open(&locator, cat, world.app_id, &err));
	check(cat, locator, world.app_id, 60); /* in the middle: the others build on what it read */
	check_all(cat, locator, world.app_id);
	/* what goes meanwhile takes nothing with it */
	for (int64_t id = 1; id < 100; id += 3)
		assert_done(world_drop(cat, world.app_id, id, &err));
	check_all(cat, locator, world.app_id);
	catalog_locator_close(locator);
	assert_done(catalog_locator_open(&locator, cat, world.app_id, &err));
	check_all(cat, locator, world.app_id);
	assert_int_equal(catalog_locate(locator, 1, 0, &loc, &err), -1);
	assert_text(err, "the page map of snapshot 1");
	check_all(cat, locator, world.app_id); /* also after a failure */
	catalog_locator_close(locator);
	catalog_locator_close(NULL);
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_whole_maps),
	};

	return cmocka_run_group_tests(tests, test_group_begin, test_group_end);
}
