/* SPDX-License-Identifier: Apache-2.0 */
/* Demands of lazy restores: stored, replaced, gone with their snapshot, damaged. */
#include "catalog/internal.h"
#include "catalog/test_world.h"

struct scene {
	char *dir;
	struct catalog *cat;
	struct world world;
};

static struct scene scene_make(void)
{
	struct scene scene = {.dir = test_dir_make()};
	struct sn_err err;

	assert_done(catalog_open(&scene.cat, scene.dir, &err));
	assert_done(world_begin(&scene.world, scene.cat, "app", 1, &err));
	for (int i = 0; i < 4; i++)
		assert_done(world_take(&scene.world, 20, &err));
	return scene;
}

static void scene_end(struct scene *scene)
{
	world_end(&scene->world);
	catalog_close(scene->cat);
	test_dir_remove(&scene->dir);
}

/* Three runs, the first in key asked for last. */
static struct pagemap order_make(uint64_t shift)
{
	struct pagemap order = {0};

	pagemap_append(&order, 10 + shift, 3, 6);
	pagemap_append(&order, 20 + shift, 4, 2);
	pagemap_append(&order, page_key(7, 0) + shift, 1, 1);
	return order;
}

static void store(struct scene *scene, int64_t id, uint64_t shift)
{
	sn_auto(pagemap_release) struct pagemap order = order_make(shift);
	struct sn_err err;

	assert_done(catalog_demands_store(scene->cat, scene->world.app_id, id, &order, &err));
}

static void assert_stored(struct scene *scene, int64_t id, uint64_t shift)
{
	sn_auto(pagemap_release) struct pagemap want = order_make(shift);
	sn_auto(pagemap_release) struct pagemap have = {0};
	struct sn_err err;

	assert_int_equal(catalog_demands_load(scene->cat, scene->world.app_id, id, &have, &err),
			 1);
	assert_true(pagemap_equal(&have, &want));
}

static void assert_none(struct scene *scene, int64_t id)
{
	struct pagemap have = {0};
	struct sn_err err;

	assert_int_equal(catalog_demands_load(scene->cat, scene->world.app_id, id, &have, &err),
			 0);
	assert_int_equal(have.len, 0);
}

static void test_store(void **state)
{
	sn_auto(scene_end) struct scene scene = scene_make();
	sn_auto(pagemap_release) struct pagemap order = order_make(0);
	struct sn_err err;

	(void)state;
	assert_none(&scene, 2);
	store(&scene, 2, 0);
	assert_stored(&scene, 2, 0);
	store(&scene, 3, 5);
	store(&scene, 2, 9);
	assert_stored(&scene, 2, 9);
	assert_stored(&scene, 3, 5);
	assert_none(&scene, 1);
	assert_int_equal(catalog_demands_store(scene.cat, scene.world.app_id, 77, &order, &err),
			 -1);
	assert_text(err, "store the demands of snapshot 77");
}

/* Of the dropped, and of nobody else; gc and what is stored have nothing to do with them. */
static void test_drop(void **state)
{
	sn_auto(scene_end) struct scene scene = scene_make();
	struct catalog_collected collected;
	struct sn_err err;
	size_t count;

	(void)state;
	store(&scene, 2, 0);
	store(&scene, 3, 5);
	assert_done(world_drop(scene.cat, scene.world.app_id, 2, &err));
	assert_none(&scene, 2);
	assert_stored(&scene, 3, 5);
	assert_done(catalog_gc(scene.cat, false, &collected, &err));
	assert_stored(&scene, 3, 5);
	assert_done(world_verify_all(scene.cat, scene.world.app_id, &count, &err));
	assert_int_equal(count, 3);
}

static void test_children(void **state)
{
	sn_auto(scene_end) struct scene scene = scene_make();
	sn_auto_free int64_t *ids = NULL, *none = NULL;
	struct sn_err err;
	size_t count;

	(void)state;
	assert_done(world_go_back(&scene.world, 2, &err));
	assert_done(world_take(&scene.world, 5, &err));
	assert_done(catalog_snapshot_children(scene.cat, scene.world.app_id, 2, &ids, &count,
					      &err));
	assert_int_equal(count, 2);
	assert_int_equal(ids[0], 5);
	assert_int_equal(ids[1], 3);
	assert_done(catalog_snapshot_children(scene.cat, scene.world.app_id, 5, &none, &count,
					      &err));
	assert_int_equal(count, 0);
}

/* ---- damage ---- */

struct heard {
	size_t snapshots, others;
	char text[256];
};

static void hear(void *arg, const struct catalog_finding *finding)
{
	struct heard *heard = arg;

	if (!finding->damage)
		return;
	*(finding->id ? &heard->snapshots : &heard->others) += 1;
	snprintf(heard->text, sizeof(heard->text), "%s: %s", finding->app, finding->damage);
}

/* It is told, and no snapshot suffers. */
static void test_damage(void **state)
{
	sn_auto(scene_end) struct scene scene = scene_make();
	struct catalog_verified verified;
	struct heard heard = {.others = 0};
	struct pagemap have = {0};
	struct sn_err err;

	(void)state;
	store(&scene, 2, 0);
	store(&scene, 3, 5);
	assert_int_equal(sqlite3_exec(scene.cat->db, "UPDATE demands SET id = 4 WHERE id = 2", NULL,
				      NULL, NULL), SQLITE_OK);
	assert_int_equal(catalog_demands_load(scene.cat, scene.world.app_id, 4, &have, &err), -1);
	assert_int_equal(err.code, EUCLEAN);
	assert_done(catalog_verify(scene.cat, 0, 0, hear, &heard, &verified, &err));
	assert_int_equal(heard.snapshots, 0);
	assert_int_equal(heard.others, 1);
	assert_int_equal(verified.damages, 1);
	assert_int_equal(verified.damaged_snapshots, 0);
	assert_non_null(strstr(heard.text, "app: the demands of snapshot 4, "));
	store(&scene, 4, 1);
	assert_stored(&scene, 4, 1);
	assert_done(catalog_verify(scene.cat, 0, 0, hear, &heard, &verified, &err));
	assert_int_equal(verified.damages, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_children),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, test_group_begin, test_group_end);
}
