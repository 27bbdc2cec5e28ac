/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying: a catalog that is whole, and each kind of damage with what suffers from it. */
#include "catalog/internal.h"
#include "catalog/pack.h"
#include "catalog/test_world.h"

#include <errno.h>
#include <signal.h>

enum { TAKEN = 5 };

struct heard {
	bool good[TAKEN + 1]; /* by snapshot of the first application */
	uint64_t pages[TAKEN + 1];
	size_t others;        /* damage of no snapshot */
	char text[512];       /* the last damage */
};

struct scene {
	char *dir;
	struct catalog *cat;
	struct world world;
	struct heard heard;
	struct catalog_verified verified;
};

static void scene_end(struct scene *scene)
{
	world_end(&scene->world);
	catalog_close(scene->cat);
	test_dir_remove(&scene->dir);
}

static struct scene scene_make(void)
{
	struct scene scene = {.dir = test_dir_make()};
	struct sn_err err;

	assert_done(catalog_open(&scene.cat, scene.dir, &err));
	assert_done(world_begin(&scene.world, scene.cat, "app", 7, &err));
	for (int i = 0; i < TAKEN; i++)
		assert_done(world_take(&scene.world, 6, &err));
	return scene;
}

static void hear(void *arg, const struct catalog_finding *finding)
{
	struct heard *heard = arg;

	if (finding->id) {
		assert_string_equal(finding->app, "app");
		assert_in_range(finding->id, 1, TAKEN);
		heard->good[finding->id] = !finding->damage;
		heard->pages[finding->id] = finding->damaged_pages;
	} else {
		assert_non_null(finding->damage);
		heard->others++;
	}
	if (finding->damage)
		snprintf(heard->text, sizeof(heard->text), "%s", finding->damage);
}

static void verify(struct scene *scene, int64_t app_id, int64_t id)
{
	struct sn_err err;

	scene->heard = (struct heard){.others = 0};
	assert_done(catalog_verify(scene->cat, app_id, id, hear, &scene->heard, &scene->verified,
				   &err));
}

static size_t good(const struct scene *scene)
{
	size_t n = 0;

	for (size_t i = 1; i <= TAKEN; i++)
		n += scene->heard.good[i];
	return n;
}

static void run_sql(struct scene *scene, const char *sql)
{
	assert_int_equal(sqlite3_exec(scene->cat->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void test_whole(void **state)
{
	sn_auto(scene_end) struct scene scene = scene_make();
	uint64_t stored = (uint64_t)file_bytes(scene.dir, "packs/1.index") / 16;
	struct sn_err err;

	(void)state;
	verify(&scene, 0, 0);
	assert_int_equal(good(&scene), TAKEN);
	assert_int_equal(scene.verified.snapshots, TAKEN);
	assert_int_equal(scene.verified.damages, 0);
	assert_int_equal(scene.verified.pages, stored);
	verify(&scene, scene.world.app_id, 3);
	assert_int_equal(good(&scene), 1);
	assert_true(scene.heard.good[3]);
	assert_int_equal(catalog_verify(scene.cat, scene.world.app_id, 9, hear, &scene.heard,
					&scene.verified, &err), -1);
	assert_text(err, "no such snapshot");
	/* full pages that nobody names any more are read, too */
	for (int64_t id = 1; id <= TAKEN; id++)
		assert_done(world_drop(scene.cat, scene.world.app_id, id, &err));
	verify(&scene, 0, 0);
	assert_int_equal(scene.verified.snapshots, 0);
	assert_in_range(scene.verified.pages, stored / 2, stored - 1);
}

/* Ctrl-C at the shell ends it, and says nothing of the snapshots. */
static void test_interrupted(void **state)
{
	sn_auto(scene_end) struct scene scene = scene_make();
	const struct timespec now = {0, 0};
	struct sn_err err;
	sigset_t set;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGINT);
	assert_int_equal(catalog_verify(scene.cat, 0, 0, hear, &scene.heard, &scene.verified,
					&err), -1);
	assert_int_equal(err.code, EINTR);
	assert_int_equal(sigtimedwait(&set, NULL, &now), SIGINT);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	verify(&scene, 0, 0);
	assert_int_equal(good(&scene), TAKEN);
}

/* Every page in turn: bad are just those snapshots that the tests' own reading calls bad. */
static void test_each_page(void **state)
{
	sn_auto(scene_end) struct scene scene = scene_make();
	off_t stored = file_bytes(scene.dir, "packs/1.index") / 16;
	struct sn_err err;
	size_t partly = 0;

	(void)state;
	for (off_t page = 0; page < stored; page++) {
		file_damage(scene.dir, "packs/1.index", page * 16 + 9);
		verify(&scene, 0, 0);
		for (int64_t id = 1; id <= TAKEN; id++) {
			bool whole = world_verify(scene.cat, scene.world.app_id, id, &err) == 0;

			assert_int_equal(scene.heard.good[id], whole);
			assert_int_equal(scene.heard.pages[id] > 0, !whole);
		}
		assert_true(scene.verified.damages > 0);
		partly += good(&scene) > 0 && good(&scene) < TAKEN;
		file_damage(scene.dir, "packs/1.index", page * 16 + 9);
	}
	assert_true(partly > 0);
	verify(&scene, 0, 0);
	assert_int_equal(scene.verified.damages, 0);
}

static void test_contents(void **state)
{
	sn_auto(scene_end) struct scene scene = scene_make();

	(void)state;
	file_damage(scene.dir, "packs/1.pages", 40);
	verify(&scene, 0, 0);
	assert_false(scene.heard.good[1]);
	assert_non_null(strstr(scene.heard.text, "packs/1.pages"));
}

static void test_missing_pack(void **state)
{
	sn_auto(scene_end) struct scene scene = scene_make();
	sn_auto_free char *path = sn_asprintf("%s/packs/1.index", scene.dir);
	struct sn_err err;

	(void)state;
	catalog_close(scene.cat);
	assert_int_equal(unlink(path), 0);
	assert_done(catalog_open(&scene.cat, scene.dir, &err));
	verify(&scene, 0, 0);
	assert_int_equal(good(&scene), 0);
	assert_int_equal(scene.heard.others, 1);
}

static void test_rows(void **state)
{
	static const struct {
		const char *harm, *says;
		size_t good, others;
	} cases[] = {
		{"UPDATE snapshots SET threads = threads + 1 WHERE id = 2", "record of snapshot 2",
		 TAKEN - 1, 0},
		{"UPDATE images SET sum = sum + 1 WHERE id = 4", "image of snapshot 4", TAKEN - 1,
		 0},
		{"DELETE FROM images WHERE id = 4", "snapshot 4 has no image", TAKEN - 1, 0},
		{"UPDATE maps SET sum = sum + 1 WHERE id = 5", "page map of snapshot 5", TAKEN - 1,
		 0},
		{"UPDATE apps SET pid = pid + 1", "damaged", TAKEN, 1},
		{"UPDATE packs SET pages = pages - 1", "record of pack 1", TAKEN, 1},
	};

	(void)state;
	for (size_t i = 0; i < sn_countof(cases); i++) {
		sn_auto(scene_end) struct scene scene = scene_make();

		run_sql(&scene, cases[i].harm);
		verify(&scene, 0, 0);
		assert_int_equal(good(&scene), cases[i].good);
		assert_int_equal(scene.heard.others, cases[i].others);
		assert_int_equal(scene.verified.damages, 1);
		if (!strstr(scene.heard.text, cases[i].says))
			fail_msg("\"%s\" says nothing of \"%s\"", scene.heard.text, cases[i].says);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_each_page),
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_missing_pack),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, test_group_begin, test_group_end);
}
