/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots that are no moment of their application's life. */
#include "catalog/test_world.h"

#include <errno.h>

/* What is put beside the application's life changes nothing of where it stands. */
static void test_beside(void **state)
{
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	struct catalog_snapshot snap = {.parent = 1};
	struct pagemap none = {0};
	struct catalog_put *put;
	struct catalog_app app;
	struct world world;
	struct sn_err err;

	(void)state;
	assert_done(catalog_open(&cat, dir, &err));
	assert_done(world_begin(&world, cat, "app", 1, &err));
	assert_done(world_take(&world, 10, &err));
	assert_done(world_take(&world, 10, &err));
	assert_done(catalog_put_begin(cat, world.app_id, 1, &put, &err));
	catalog_put_beside(put);
	assert_done(catalog_put_commit(put, &snap, NULL, 0, &none, NULL, &err));
	assert_int_equal(snap.id, 3);
	assert_int_equal(snap.parent, 1);
	assert_int_equal(catalog_app_find(cat, "app", &app, &err), 1);
	assert_int_equal(app.current, 2);
	assert_done(world_take(&world, 10, &err));
	assert_int_equal(world.last.id, 4);
	assert_int_equal(world.last.parent, 2);
	/* there is no other parent for one that was dropped meanwhile */
	assert_done(catalog_put_begin(cat, world.app_id, 1, &put, &err));
	catalog_put_beside(put);
	assert_done(world_drop(cat, world.app_id, 1, &err));
	assert_int_equal(catalog_put_commit(put, &snap, NULL, 0, &none, NULL, &err), -1);
	assert_int_equal(err.code, ESTALE);
	assert_int_equal(catalog_snapshot_find(cat, world.app_id, 3, &snap, &err), 1);
	assert_int_equal(snap.parent, 0);
	assert_int_equal(catalog_app_find(cat, "app", &app, &err), 1);
	assert_int_equal(app.current, 4);
	world_end(&world);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_beside),
	};

	return cmocka_run_group_tests(tests, test_group_begin, test_group_end);
}
