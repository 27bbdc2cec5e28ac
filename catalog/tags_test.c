/* SPDX-License-Identifier: Apache-2.0 */
/* Tags: what can be one, whose they are. */
#include "catalog/test_world.h"

static void check_tag(struct world *world, int64_t id, const char *tag)
{
	struct catalog_snapshot snap;
	struct sn_err err;

	/* finding it verifies the row's checksum */
	assert_int_equal(catalog_snapshot_find(world->cat, world->app_id, id, &snap, &err), 1);
	assert_string_equal(snap.tag, tag);
}

static void test_set_and_take_away(void **state)
{
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	struct catalog_snapshot found;
	struct world world, other;
	struct sn_err err;

	(void)state;
	assert_done(catalog_open(&cat, dir, &err));
	assert_done(world_begin(&world, cat, "app", 1, &err));
	assert_done(world_begin(&other, cat, "other", 2, &err));
	for (int i = 0; i < 3; i++)
		assert_done(world_take(&world, 2, &err));
	assert_done(world_take(&other, 2, &err));

	assert_done(catalog_snapshot_tag(cat, world.app_id, 1, "boss", &err));
	assert_done(catalog_snapshot_tag(cat, world.app_id, 1, "boss", &err));
	assert_done(catalog_snapshot_tag(cat, other.app_id, 1, "boss", &err));
	assert_int_equal(catalog_snapshot_tag(cat, world.app_id, 2, "boss", &err), -1);
	assert_text(err, "tag snapshot 2: the tag boss is taken by snapshot 1");
	check_tag(&world, 1, "boss");
	check_tag(&world, 2, "");

	assert_done(catalog_snapshot_tag(cat, world.app_id, 1, "door", &err));
	assert_done(catalog_snapshot_tag(cat, world.app_id, 2, "boss", &err));
	assert_int_equal(catalog_snapshot_by_tag(cat, world.app_id, "boss", &found, &err), 1);
	assert_int_equal(found.id, 2);
	assert_done(catalog_snapshot_tag(cat, world.app_id, 2, "", &err));
	assert_int_equal(catalog_snapshot_by_tag(cat, world.app_id, "boss", &found, &err), 0);
	check_tag(&world, 2, "");
	assert_int_equal(catalog_snapshot_tag(cat, world.app_id, 9, "nine", &err), -1);
	assert_text(err, "tag snapshot 9: there is no such snapshot");
	world_end(&world);
	world_end(&other);
}

static void test_what_is_no_tag(void **state)
{
	static const char *const bad[] = {"", "3", "007", "latest", "~2", "~", "-t", "a b", "a\n",
					  "a@b", "\x7f"};
	static const char *const good[] = {"3a", "late", "v1.0", "a~2", "\xc3\xa4", "a/b"};
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	struct world world;
	struct sn_err err;
	char longest[65];

	(void)state;
	assert_done(catalog_open(&cat, dir, &err));
	assert_done(world_begin(&world, cat, "app", 1, &err));
	assert_done(world_take(&world, 2, &err));
	for (size_t i = 0; i < sn_countof(bad); i++) {
		assert_int_equal(catalog_tag_check(cat, world.app_id, 0, bad[i], &err), -1);
		assert_text(err, "tag");
	}
	for (size_t i = 0; i < sn_countof(good); i++)
		assert_done(catalog_snapshot_tag(cat, world.app_id, 1, good[i], &err));
	memset(longest, 'x', 64);
	longest[64] = '\0';
	assert_int_equal(catalog_snapshot_tag(cat, world.app_id, 1, longest, &err), -1);
	assert_text(err, "1 to 63");
	longest[63] = '\0';
	assert_done(catalog_snapshot_tag(cat, world.app_id, 1, longest, &err));
	check_tag(&world, 1, longest);
	world_end(&world);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_and_take_away),
		cmocka_unit_test(test_what_is_no_tag),
	};

	return cmocka_run_group_tests(tests, test_group_begin, test_group_end);
}
