/* SPDX-License-Identifier: Apache-2.0 */
/* Stored page maps: chains, snapshots that go from the middle of one, damage. */
#include "catalog/db.h"
#include "catalog/maps.h"
#include "catalog/test_world.h"

static int64_t number(struct catalog *cat, const char *sql)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	struct sn_err err;

	assert_done(db_query(cat->db, &err, &stmt, sql, ""));
	assert_done(db_step(stmt, &err));
	return sqlite3_column_int64(stmt, 0);
}

static void run_sql(struct catalog *cat, const char *sql)
{
	struct sn_err err;

	assert_done(db_exec(cat->db, sql, &err));
}

/* The invariants 1 and 2 of maps.h, and that nothing is left of dropped snapshots. */
static void check_stored(struct catalog *cat)
{
	assert_int_equal(number(cat, "SELECT count(*) FROM maps m JOIN snapshots s"
				     " USING (app_id, id) WHERE base <> parent OR"
				     " (base IS NOT NULL AND parent IS NULL)"), 0);
	assert_int_equal(number(cat, "SELECT count(*) FROM maps m JOIN maps b"
				     " ON b.app_id = m.app_id AND b.id = m.base"
				     " WHERE m.depth < b.depth + 1"), 0);
	assert_int_equal(number(cat, "SELECT count(*) FROM maps WHERE depth > 63"), 0);
	assert_int_equal(number(cat, "SELECT (SELECT count(*) FROM maps) - count(*)"
				     " FROM snapshots"), 0);
	assert_int_equal(number(cat, "SELECT (SELECT count(*) FROM images) - count(*)"
				     " FROM snapshots"), 0);
	assert_int_equal(number(cat, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static void test_chain(void **state)
{
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	struct world world;
	struct sn_err err;
	size_t count;

	(void)state;
	assert_done(catalog_open(&cat, dir, &err));
	assert_done(world_begin(&world, cat, "app", 1, &err));
	assert_done(world_take(&world, 200, &err));
	for (int i = 0; i < 300; i++) {
		world.forget_map = i % 7 == 0;
		assert_done(world_take(&world, i % 50 == 49 ? 200 : 1, &err));
	}
	assert_done(world_verify_all(cat, world.app_id, &count, &err));
	assert_int_equal(count, 301);
	check_stored(cat);
	/* most are deltas, and they are small */
	assert_true(number(cat, "SELECT count(*) FROM maps WHERE base IS NULL") < 30);
	assert_true(number(cat, "SELECT count(*) FROM maps WHERE base IS NULL") >= 301 / 64);
	assert_true(number(cat, "SELECT 5 * max(length(bytes)) FROM maps WHERE depth = 3") <
		    number(cat, "SELECT min(length(bytes)) FROM maps WHERE base IS NULL"));
	world_end(&world);
}

/* A caller whose idea of the parent's map is wrong does no harm. */
static void test_wrong_parent_map(void **state)
{
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	sn_auto(pagemap_release) struct pagemap loaded = {0};
	struct pagemap wrong = {0}, map = {0}, extra = {0};
	struct catalog_snapshot snap = {.parent = 2};
	struct catalog_put *put;
	struct world world;
	struct sn_err err;

	(void)state;
	assert_done(catalog_open(&cat, dir, &err));
	assert_done(world_begin(&world, cat, "app", 1, &err));
	assert_done(world_take(&world, 100, &err));
	assert_done(world_take(&world, 2, &err));
	/* a delta against the wrong map would be small, and lack two pages */
	pagemap_append(&extra, page_key(9, 0), 2, PAGE_LOC_ZERO);
	pagemap_overlay(&map, &world.map, &extra);
	pagemap_append(&extra, page_key(10, 0), 1, PAGE_LOC_ZERO);
	pagemap_overlay(&wrong, &world.map, &extra);
	pagemap_append(&map, page_key(11, 0), 1, PAGE_LOC_ZERO);
	assert_done(catalog_put_begin(cat, world.app_id, 0, &put, &err));
	assert_done(catalog_put_commit(put, &snap, NULL, 0, &map, &wrong, &err));
	assert_done(catalog_map_load(cat, world.app_id, 3, &loaded, &err));
	assert_true(pagemap_equal(&loaded, &map));
	assert_int_equal(number(cat, "SELECT base FROM maps WHERE id = 3"), 2);
	pagemap_release(&extra);
	pagemap_release(&wrong);
	pagemap_release(&map);
	world_end(&world);
}

/* ---- dropping ---- */

/* A snapshot that is there, chosen at random. */
static int64_t pick(struct world *world)
{
	sn_auto_free struct catalog_snapshot *snaps = NULL;
	struct sn_err err;
	size_t count;

	assert_done(catalog_snapshot_list(world->cat, world->app_id, &snaps, &count, &err));
	return snaps[rng_below(&world->rng, count)].id;
}

/* Branches grow and are thinned out; every 100 steps all that is left must be whole. */
static void test_drop_random(void **state)
{
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	struct world world;
	struct sn_err err;
	size_t count;

	(void)state;
	assert_done(catalog_open(&cat, dir, &err));
	assert_done(db_exec(cat->db, "PRAGMA synchronous = OFF", &err)); /* speed */
	assert_done(world_begin(&world, cat, "app", 5, &err));
	assert_done(world_take(&world, 100, &err));
	for (int step = 1; step <= 1500; step++) {
		uint64_t what = rng_below(&world.rng, 10);

		if (what < 5) {
			assert_done(world_take(&world, 1 + rng_below(&world.rng, 2), &err));
		} else if (what < 6) {
			assert_done(world_go_back(&world, pick(&world), &err));
		} else if (number(cat, "SELECT count(*) FROM snapshots") > 100) {
			int64_t id = pick(&world);

			assert_done(world_drop(cat, world.app_id, id, &err));
		}
		if (step % 100)
			continue;
		assert_done(world_verify_all(cat, world.app_id, &count, &err));
		assert_true(count > 10);
		check_stored(cat);
	}
	/* and away to the last one */
	while (number(cat, "SELECT count(*) FROM snapshots"))
		assert_done(world_drop(cat, world.app_id, pick(&world), &err));
	check_stored(cat);
	world_end(&world);
}

/* Full maps go from between chains: what is above must not grow too deep. */
static void test_drop_full(void **state)
{
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	struct world world;
	struct sn_err err;
	size_t count;
	int64_t id;

	(void)state;
	assert_done(catalog_open(&cat, dir, &err));
	assert_done(db_exec(cat->db, "PRAGMA synchronous = OFF", &err));
	assert_done(world_begin(&world, cat, "app", 6, &err));
	assert_done(world_take(&world, 200, &err));
	for (int i = 0; i < 260; i++) /* full ones after 40 deltas, at the end after 63 */
		assert_done(world_take(&world, i < 160 && i % 40 == 39 ? 200 : i % 3 == 0, &err));
	assert_true(number(cat, "SELECT count(*) FROM maps WHERE base IS NULL") > 5);
	assert_int_equal(number(cat, "SELECT max(depth) FROM maps"), 63);
	while ((id = number(cat, "SELECT id FROM maps WHERE base IS NULL AND id > 1")) > 0 &&
	       number(cat, "SELECT count(*) FROM snapshots") > 20) {
		assert_done(world_drop(cat, world.app_id, id, &err));
		check_stored(cat);
	}
	assert_done(world_verify_all(cat, world.app_id, &count, &err));
	assert_true(count >= 20);
	world_end(&world);
}

/* ---- damage ---- */

/* Ten snapshots in a row, the last ones deltas. */
static void begin_ten(struct world *world, struct catalog *cat)
{
	struct sn_err err;

	assert_done(world_begin(world, cat, "app", 3, &err));
	assert_done(world_take(world, 100, &err));
	for (int i = 2; i <= 10; i++)
		assert_done(world_take(world, 2, &err));
	assert_int_equal(number(cat, "SELECT max(depth) FROM maps"), 9);
}

static const char damage_map_5[] =
	"UPDATE maps SET bytes = CAST(substr(bytes, 1, 3) || x'00' || substr(bytes, 5) AS BLOB)"
	" WHERE id = 5";

static void test_damaged_map(void **state)
{
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	struct world world;
	struct sn_err err;

	(void)state;
	assert_done(catalog_open(&cat, dir, &err));
	begin_ten(&world, cat);
	run_sql(cat, damage_map_5);
	for (int64_t id = 1; id <= 4; id++)
		assert_done(world_verify(cat, world.app_id, id, &err));
	assert_int_equal(world_verify(cat, world.app_id, 5, &err), -1);
	assert_text(err, "the page map of snapshot 5 is damaged");
	assert_int_equal(world_verify(cat, world.app_id, 9, &err), -1);
	assert_text(err, "the page map of snapshot 9 builds on that of snapshot 5, which is "
			 "damaged");

	/* the next snapshot depends on none of it, also where its parent's map is at hand */
	assert_done(world_take(&world, 2, &err));
	assert_done(world_verify(cat, world.app_id, 11, &err));
	assert_done(world_go_back(&world, 3, &err));
	world.last.id = 10;
	world.forget_map = true;
	assert_done(world_take(&world, 2, &err));
	assert_done(world_verify(cat, world.app_id, 12, &err));

	/* it cannot go while others build on it, then it can */
	assert_int_equal(world_drop(cat, world.app_id, 5, &err), -1);
	assert_text(err, "drop snapshot 5: the page map of snapshot 6 builds on that of "
			 "snapshot 5");
	for (int64_t id = 10; id >= 5; id--)
		assert_done(world_drop(cat, world.app_id, id, &err));
	assert_done(world_verify(cat, world.app_id, 11, &err));
	assert_done(world_verify(cat, world.app_id, 12, &err));
	check_stored(cat);
	world_end(&world);
}

/* Every column of a map's row is covered. */
static void test_damaged_map_row(void **state)
{
	static const char *const damages[] = {
		"UPDATE maps SET base = 3 WHERE id = 6",
		"UPDATE maps SET base = NULL WHERE id = 6",
		"UPDATE maps SET depth = depth + 1 WHERE id = 6",
		"UPDATE maps SET chain_runs = 1 WHERE id = 6",
		"UPDATE maps SET whole_sum = whole_sum + 1 WHERE id = 6",
		"UPDATE maps SET sum = sum + 1 WHERE id = 6",
		"UPDATE maps SET bytes = (SELECT bytes FROM maps WHERE id = 7) WHERE id = 6",
		"UPDATE maps SET (base, depth, chain_runs, whole_sum, sum, bytes) ="
		" (SELECT base, depth, chain_runs, whole_sum, sum, bytes FROM maps WHERE id = 7)"
		" WHERE id = 6",
		"PRAGMA foreign_keys = OFF; DELETE FROM maps WHERE id = 6",
	};

	(void)state;
	for (size_t i = 0; i < sn_countof(damages); i++) {
		test_auto_dir dir = test_dir_make();
		test_auto_catalog cat = NULL;
		struct world world;
		struct sn_err err;

		assert_done(catalog_open(&cat, dir, &err));
		begin_ten(&world, cat);
		run_sql(cat, damages[i]);
		assert_done(world_verify(cat, world.app_id, 5, &err));
		assert_int_equal(world_verify(cat, world.app_id, 6, &err), -1);
		assert_text(err, "the page map of snapshot 6 is damaged");
		assert_int_equal(world_verify(cat, world.app_id, 10, &err), -1);
		assert_text(err, "builds on that of snapshot 6, which is damaged");
		world_end(&world);
	}
}

static void test_damaged_image(void **state)
{
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	struct world world;
	struct sn_err err;
	uint8_t *image;
	size_t len;

	(void)state;
	assert_done(catalog_open(&cat, dir, &err));
	begin_ten(&world, cat);
	run_sql(cat, "UPDATE images SET bytes = CAST(substr(bytes, 2) || x'77' AS BLOB)"
		     " WHERE id = 4");
	run_sql(cat, "UPDATE images SET (bytes, sum) ="
		     " (SELECT bytes, sum FROM images WHERE id = 8) WHERE id = 7");
	assert_int_equal(catalog_image_load(cat, world.app_id, 4, &image, &len, &err), -1);
	assert_text(err, "the image of snapshot 4 is damaged");
	assert_int_equal(catalog_image_load(cat, world.app_id, 7, &image, &len, &err), -1);
	assert_text(err, "the image of snapshot 7 is damaged");
	assert_done(world_verify(cat, world.app_id, 8, &err));
	world_end(&world);
}

static void test_damaged_rows(void **state)
{
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	struct catalog_snapshot snap, *snaps;
	struct catalog_app app;
	struct world world;
	struct sn_err err;
	size_t count;

	(void)state;
	assert_done(catalog_open(&cat, dir, &err));
	begin_ten(&world, cat);
	run_sql(cat, "UPDATE snapshots SET parent = 2 WHERE id = 5");
	assert_int_equal(catalog_snapshot_find(cat, world.app_id, 5, &snap, &err), -1);
	assert_text(err, "the record of snapshot 5 is damaged");
	assert_int_equal(catalog_snapshot_list(cat, world.app_id, &snaps, &count, &err), -1);
	assert_text(err, "the record of snapshot 5 is damaged");
	assert_int_equal(catalog_snapshot_find(cat, world.app_id, 6, &snap, &err), 1);
	assert_done(world_drop(cat, world.app_id, 5, &err));
	assert_done(world_verify_all(cat, world.app_id, &count, &err));
	assert_int_equal(count, 9);

	/* a damaged pack gets no more pages, a new one is made */
	run_sql(cat, "UPDATE packs SET bytes = 0, pages = 0");
	assert_done(world_take(&world, 10, &err));
	assert_int_equal(number(cat, "SELECT count(*) FROM packs"), 2);
	assert_done(world_verify_all(cat, world.app_id, &count, &err));

	run_sql(cat, "UPDATE apps SET pid = 1");
	assert_int_equal(catalog_app_find(cat, "app", &app, &err), -1);
	assert_text(err, "the record of application app is damaged");
	assert_int_equal(world_take(&world, 10, &err), -1);
	assert_text(err, "the record of application app is damaged");
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_wrong_parent_map),
		cmocka_unit_test(test_drop_random),
		cmocka_unit_test(test_drop_full),
		cmocka_unit_test(test_damaged_map),
		cmocka_unit_test(test_damaged_map_row),
		cmocka_unit_test(test_damaged_image),
		cmocka_unit_test(test_damaged_rows),
	};

	return cmocka_run_group_tests(tests, test_group_begin, test_group_end);
}
