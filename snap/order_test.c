// SPDX-License-Identifier: Apache-2.0
/* In which order a lazy restore fills, in a catalog with branches. */
#include "snap/order.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { PAGES = 1000 };

struct scene {
	char dir[64];
	struct catalog *cat;
	struct session session;
	struct goal goal;
	struct sn_err err;
};

#define OK(scene, call)                                               \
	do {                                                          \
		if ((call) < 0)                                       \
			fail_msg("%s: %s", #call, (scene)->err.text); \
	} while (0)

static int setup(void **state)
{
	struct scene *scene = sn_calloc(1, sizeof(*scene));
	struct catalog_app app = {.name = "app", .exit_status = -1};
	const char *tmp = getenv("TMPDIR");

	snprintf(scene->dir, sizeof(scene->dir), "%.40s/order-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(scene->dir));
	OK(scene, catalog_open(&scene->cat, scene->dir, &scene->err));
	OK(scene, catalog_app_add(scene->cat, &app, &scene->err));
	scene->session.cat = scene->cat;
	scene->session.app = app;
	*state = scene;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	goal_release(&scene->goal);
	catalog_close(scene->cat);
	nftw(scene->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(scene);
	return 0;
}

/* A snapshot of the pages 0 to PAGES - 1 of which `changed` are others than in its parent. */
static int64_t take(struct scene *scene, int64_t parent, const struct page_run *changed)
{
	sn_auto(pagemap_release) struct pagemap map = {0}, before = {0}, fresh = {0};
	sn_auto_free uint64_t *pages = sn_calloc(PAGES, PAGE_BYTES);
	sn_auto_free uint64_t *locs = sn_calloc(PAGES, sizeof(*locs));
	struct catalog_snapshot snap = {.parent = parent, .tracker = "full"};
	int64_t app = scene->session.app.id;
	struct catalog_put *put;
	uint64_t i;

	if (parent)
		OK(scene, catalog_map_load(scene->cat, app, parent, &before, &scene->err));
	for (i = 0; i < changed->count; i++)
		pages[i * PAGE_BYTES / sizeof(*pages)] = (uint64_t)rand() << 20 | i;
	OK(scene, catalog_put_begin(scene->cat, app, parent, &put, &scene->err));
	OK(scene, catalog_put_pages(put, pages, changed->count, NULL, locs, &scene->err));
	for (i = 0; i < changed->count; i++)
		pagemap_append(&fresh, changed->key + i, 1, locs[i]);
	pagemap_overlay(&map, &before, &fresh);
	OK(scene, catalog_put_commit(put, &snap, (const uint8_t *)"image", 5, &map, NULL,
				     &scene->err));
	return snap.id;
}

static void demand(struct scene *scene, int64_t id, uint64_t key, uint64_t count)
{
	sn_auto(pagemap_release) struct pagemap places = {0};

	pagemap_append(&places, key, count, 1);
	OK(scene, catalog_demands_store(scene->cat, scene->session.app.id, id, &places,
					&scene->err));
}

static void find(struct scene *scene, int64_t id)
{
	goal_release(&scene->goal);
	scene->goal.id = id;
	OK(scene, catalog_map_load(scene->cat, scene->session.app.id, id, &scene->goal.map,
				   &scene->err));
	order_find(&scene->goal, &scene->session);
}

static void assert_order(const struct scene *scene, const uint64_t (*runs)[2], size_t count)
{
	const struct demands *order = &scene->goal.order;
	size_t i;

	assert_int_equal(order->len, count);
	for (i = 0; i < count; i++) {
		assert_int_equal(order->runs[i].key, runs[i][0]);
		assert_int_equal(order->runs[i].count, runs[i][1]);
	}
}

/* 1 -> 2 -> 3 -> 5, 3 -> 4; 2 has changed 400 to 409, 3 300 to 309, ... */
static void grow(struct scene *scene)
{
	take(scene, 0, &(struct page_run){0, PAGES, 0});
	take(scene, 1, &(struct page_run){400, 10, 0});
	take(scene, 2, &(struct page_run){300, 10, 0});
	take(scene, 3, &(struct page_run){200, 10, 0});
	take(scene, 3, &(struct page_run){150, 10, 0});
}

static void test_nothing_known(void **state)
{
	struct scene *scene = *state;

	grow(scene);
	find(scene, 1);
	assert_order(scene, (const uint64_t[][2]){{400, 10}}, 1);
	find(scene, 5);
	assert_order(scene, (const uint64_t[][2]){{150, 10}}, 1);
	find(scene, 3);
	assert_order(scene, (const uint64_t[][2]){{150, 10}, {200, 10}, {300, 10}}, 3);
	assert_int_equal(scene->goal.demanded.pages, 0);
}

static void test_demanded(void **state)
{
	static const uint64_t want[][2] = {{700, 2}, {640, 64}, {150, 10}, {200, 10}, {300, 10}};
	struct scene *scene = *state;

	grow(scene);
	demand(scene, 3, 700, 2);
	find(scene, 3);
	assert_order(scene, want, sn_countof(want));
	assert_int_equal(scene->goal.demanded.pages, 2);
}

/* The nearest ancestor's, of which only what there is counts; one's own rather than that. */
static void test_of_an_ancestor(void **state)
{
	static const uint64_t above[][2] = {{995, 5}, {960, 64}, {150, 10}};
	static const uint64_t own[][2] = {{0, 1}, {0, 64}, {150, 10}};
	struct scene *scene = *state;

	grow(scene);
	demand(scene, 1, 700, 2);
	demand(scene, 2, 995, 20);
	demand(scene, 4, 600, 2);
	find(scene, 5);
	assert_order(scene, above, sn_countof(above));
	assert_int_equal(scene->goal.demanded.pages, 5);
	demand(scene, 5, 0, 1);
	find(scene, 5);
	assert_order(scene, own, sn_countof(own));
}

static void test_far_ancestor(void **state)
{
	struct scene *scene = *state;
	int64_t id;

	grow(scene);
	demand(scene, 5, 700, 2);
	for (id = 5; id < 5 + 16; id++)
		assert_int_equal(take(scene, id, &(struct page_run){10, 1, 0}), id + 1);
	find(scene, id);
	assert_int_equal(scene->goal.demanded.pages, 2);
	find(scene, take(scene, id, &(struct page_run){10, 1, 0}));
	assert_int_equal(scene->goal.demanded.pages, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_known),
		TEST(test_demanded),
		TEST(test_of_an_ancestor),
		TEST(test_far_ancestor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
