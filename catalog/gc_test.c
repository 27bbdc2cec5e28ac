/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc: what snapshots have stays whatever is collected, what none has goes, and neither death nor
 * a failing disk at any moment of it changes that.
 */
#include "catalog/db.h"
#include "catalog/internal.h"
#include "catalog/test_io.h"
#include "catalog/test_world.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { APPS = 2 };

/* See test_io.h for why this is a variable. */
static struct {
	long calls;
	long at;     /* before this call, 0: never */
	int verdict; /* what the call fails with, 0: death; for as long as it lasts */
	long until;
} fate;

static int decide(const struct io_call *call)
{
	(void)call;
	fate.calls++;
	if (!fate.at || fate.calls < fate.at || fate.calls > fate.until)
		return 0;
	if (!fate.verdict)
		kill(getpid(), SIGKILL);
	return fate.verdict == IO_HALF && call->what != IO_WRITE ? EIO : fate.verdict;
}

struct scene {
	char *dir;
	struct catalog *cat;
	struct world worlds[APPS];
	struct rng rng;
};

static void open_scene(struct scene *scene)
{
	struct sn_err err;

	assert_done(catalog_open(&scene->cat, scene->dir, &err));
	scene->cat->rotate_bytes = 150 * PAGE_BYTES;
	for (size_t i = 0; i < APPS; i++)
		scene->worlds[i].cat = scene->cat;
}

static struct scene scene_make(uint64_t seed)
{
	struct scene scene = {.dir = test_dir_make(), .rng = {seed * 7919 + 1}};
	struct sn_err err;

	open_scene(&scene);
	for (size_t i = 0; i < APPS; i++)
		assert_done(world_begin(&scene.worlds[i], scene.cat, i ? "two" : "one", seed + i,
					&err));
	return scene;
}

static void scene_end(struct scene *scene)
{
	for (size_t i = 0; i < APPS; i++)
		world_end(&scene->worlds[i]);
	catalog_close(scene->cat);
	test_dir_remove(&scene->dir);
}

#define auto_scene sn_auto(scene_end) struct scene

static void take(struct scene *scene, size_t app, size_t changes)
{
	struct sn_err err;

	assert_done(world_take(&scene->worlds[app], changes, &err));
}

/* Drops each of an application's snapshots with a chance of one in `odds`, but not the one it
 * stands on. */
static void drop_some(struct scene *scene, size_t app, uint64_t odds)
{
	sn_auto_free struct catalog_snapshot *snaps = NULL;
	struct world *world = &scene->worlds[app];
	struct sn_err err;
	size_t count;

	assert_done(catalog_snapshot_list(scene->cat, world->app_id, &snaps, &count, &err));
	for (size_t i = 0; i < count; i++)
		if (snaps[i].id != world->last.id && !rng_below(&scene->rng, odds))
			assert_done(world_drop(scene->cat, world->app_id, snaps[i].id,
							  &err));
}

/* To one of those that are left. */
static void go_back(struct scene *scene, size_t app)
{
	sn_auto_free struct catalog_snapshot *snaps = NULL;
	struct world *world = &scene->worlds[app];
	struct sn_err err;
	size_t count;

	assert_done(catalog_snapshot_list(scene->cat, world->app_id, &snaps, &count, &err));
	if (count)
		assert_done(world_go_back(world, snaps[rng_below(&scene->rng, count)].id, &err));
}

static void fail_finding(void *arg, const struct catalog_finding *finding)
{
	(void)arg;
	if (finding->damage)
		fail_msg("%lld@%lld: %s", (long long)finding->app_id, (long long)finding->id,
			 finding->damage);
}

static void assert_whole(struct scene *scene)
{
	struct catalog_verified verified;
	struct sn_err err;
	size_t count;

	for (size_t i = 0; i < APPS; i++)
		assert_done(world_verify_all(scene->cat, scene->worlds[i].app_id, &count, &err));
	assert_done(catalog_verify(scene->cat, 0, 0, fail_finding, NULL, &verified, &err));
	assert_int_equal(verified.damages, 0);
}

static struct catalog_collected collect(struct scene *scene, bool background)
{
	struct catalog_collected result;
	struct sn_err err;

	assert_done(catalog_gc(scene->cat, background, &result, &err));
	return result;
}

static uint64_t packs_bytes(const struct scene *scene)
{
	sn_auto_free char *path = sn_asprintf("%s/packs", scene->dir);
	sn_auto_dir DIR *dir = opendir(path);
	struct dirent *entry;
	uint64_t bytes = 0;
	struct stat st;

	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && fstatat(dirfd(dir), entry->d_name, &st, 0) == 0)
			bytes += (uint64_t)st.st_size;
	return bytes;
}

/* ---- what stays and what goes ---- */

static void test_random(void **state)
{
	enum { ROUNDS = 80 };
	auto_scene scene = scene_make(1);
	uint64_t moved = 0, dropped = 0, joined = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		size_t app = rng_below(&scene.rng, APPS);
		struct catalog_collected result;

		for (uint64_t i = rng_below(&scene.rng, 8); i; i--)
			take(&scene, app, rng_below(&scene.rng, 5) ? 10 : 150);
		if (!rng_below(&scene.rng, 4))
			go_back(&scene, app);
		drop_some(&scene, app, 1 + rng_below(&scene.rng, 6));
		if (!rng_below(&scene.rng, 3)) { /* as another process would find it */
			catalog_close(scene.cat);
			open_scene(&scene);
		}
		result = collect(&scene, rng_below(&scene.rng, 2));
		moved += result.moved_pages;
		dropped += result.dropped_packs;
		joined += result.joined;
		assert_whole(&scene);
	}
	assert_true(moved && dropped && joined);
}

/* What is not needed takes no room: dropping half gives about half back, dropping all gives all. */
static void test_room(void **state)
{
	auto_scene scene = scene_make(2);
	uint64_t full, kept;
	struct sn_err err;

	(void)state;
	for (int i = 0; i < 60; i++)
		take(&scene, 0, 150);
	full = packs_bytes(&scene);
	for (int64_t id = 1; id <= 54; id++)
		assert_done(world_drop(scene.cat, scene.worlds[0].app_id, id, &err));
	assert_true(collect(&scene, false).freed_bytes > full / 2);
	kept = packs_bytes(&scene);
	assert_true(kept < full / 4);
	assert_whole(&scene);
	for (int64_t id = 55; id <= 60; id++)
		assert_done(world_drop(scene.cat, scene.worlds[0].app_id, id, &err));
	collect(&scene, false);
	assert_int_equal(packs_bytes(&scene), 0);
}

/* A second gc finds nothing to do, and a pack of which little is dead is left alone. */
static void test_idle(void **state)
{
	auto_scene scene = scene_make(3);
	struct catalog_collected result;

	(void)state;
	for (int i = 0; i < 20; i++)
		take(&scene, 0, 20);
	collect(&scene, false);
	result = collect(&scene, false);
	assert_int_equal(result.moved_pages + result.dropped_packs + result.joined, 0);
	assert_whole(&scene);
}

/* A page that was remembered, and whose last snapshot went, is stored again. */
static void test_remembered(void **state)
{
	auto_scene scene = scene_make(4);
	struct world *world = &scene.worlds[0];
	uint32_t first[SLOTS];
	struct sn_err err;

	(void)state;
	take(&scene, 0, 150);
	memcpy(first, world->seeds, sizeof(first));
	take(&scene, 0, 400);
	assert_done(world_drop(scene.cat, world->app_id, 1, &err));
	collect(&scene, false);
	memcpy(world->seeds, first, sizeof(first));
	pagemap_clear(&world->map); /* nothing of it is in the parent */
	world->last = (struct catalog_snapshot){0};
	memset(world->seeds, 0, sizeof(world->seeds));
	take(&scene, 0, 0);
	assert_whole(&scene);
}

/* Who holds the catalog reads what was dropped meanwhile. */
static void test_hold(void **state)
{
	auto_scene scene = scene_make(5);
	sn_auto(pagemap_release) struct pagemap map = {0};
	struct catalog_collected result;
	uint8_t page[PAGE_BYTES];
	struct sn_err err;
	int hold;

	(void)state;
	take(&scene, 0, 150);
	take(&scene, 0, 400);
	hold = catalog_hold(scene.cat, &err);
	assert_true(hold >= 0);
	assert_done(catalog_map_load(scene.cat, scene.worlds[0].app_id, 1, &map, &err));
	assert_done(world_drop(scene.cat, scene.worlds[0].app_id, 1, &err));
	assert_int_equal(catalog_gc(scene.cat, false, &result, &err), -1);
	assert_int_equal(err.code, EBUSY);
	assert_text(err, "a snapshot or a restore is under way");
	for (size_t i = 0; i < map.len; i++)
		for (uint64_t k = 0; map.runs[i].loc && k < map.runs[i].count; k++)
			assert_done(catalog_pages_read(scene.cat, map.runs[i].loc + k, 1, page,
						       &err));
	close(hold);
	collect(&scene, false);
	assert_whole(&scene);
}

/* Who holds one snapshot holds up no gc, and the snapshot is not dropped. */
static void test_hold_one(void **state)
{
	auto_scene scene = scene_make(11);
	const int64_t both[] = {1, 2};
	int64_t app;
	struct sn_err err;
	int held, again;

	(void)state;
	take(&scene, 0, 150);
	take(&scene, 0, 400);
	take(&scene, 0, 10);
	app = scene.worlds[0].app_id;
	held = catalog_snapshot_hold(scene.cat, app, 2, &err);
	again = catalog_snapshot_hold(scene.cat, app, 2, &err);
	assert_true(held >= 0 && again >= 0);
	assert_true(catalog_snapshot_is_held(scene.cat, app, 2));
	assert_false(catalog_snapshot_is_held(scene.cat, app, 1));
	assert_int_equal(catalog_snapshots_drop(scene.cat, app, both, 2, &err), -1);
	assert_int_equal(err.code, EBUSY);
	assert_text(err, "somebody looks into snapshot 2");
	assert_done(catalog_snapshots_drop(scene.cat, app, both, 1, &err));
	collect(&scene, false);
	close(held);
	assert_int_equal(catalog_snapshots_drop(scene.cat, app, both + 1, 1, &err), -1);
	close(again);
	assert_false(catalog_snapshot_is_held(scene.cat, app, 2));
	assert_done(catalog_snapshots_drop(scene.cat, app, both + 1, 1, &err));
}

/* A put that builds on what was dropped is told so. */
static void test_stale(void **state)
{
	auto_scene scene = scene_make(6);
	struct catalog_put *put;
	struct sn_err err;

	(void)state;
	take(&scene, 0, 10);
	assert_done(world_drop(scene.cat, scene.worlds[0].app_id, 1, &err));
	assert_int_equal(catalog_put_begin(scene.cat, scene.worlds[0].app_id, 1, &put, &err), -1);
	assert_int_equal(err.code, ESTALE);
	assert_text(err, "snapshot 1, which it builds on, was dropped meanwhile");
}

/* ---- beside others ---- */

/* Snapshots and drops without end, in a process of its own. */
static pid_t busy_start(const struct scene *scene, size_t app)
{
	pid_t test = getpid(), pid = fork();
	struct scene own = {.dir = scene->dir, .rng = {app + 99}};
	struct sn_err err;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != test)
		_exit(1);
	own.worlds[app] = (struct world){.app_id = (int64_t)app + 1, .rng = {app + 5}};
	open_scene(&own);
	for (;;) {
		if (world_take(&own.worlds[app], 40, &err) < 0) {
			fprintf(stderr, "writer %zu: %s\n", app, err.text);
			_exit(1);
		}
		drop_some(&own, app, 3);
	}
}

static void test_beside(void **state)
{
	enum { ROUNDS = 25 };
	auto_scene scene = scene_make(7);
	pid_t pids[APPS];
	int status;

	(void)state;
	catalog_close(scene.cat); /* before any fork, see catalog.h */
	scene.cat = NULL;
	for (size_t i = 0; i < APPS; i++)
		pids[i] = busy_start(&scene, i);
	open_scene(&scene);
	for (int round = 0; round < ROUNDS; round++)
		collect(&scene, round % 2);
	for (size_t i = 0; i < APPS; i++) {
		kill(pids[i], SIGKILL);
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	assert_whole(&scene);
	collect(&scene, false);
	assert_whole(&scene);
}

/* ---- death and failure ---- */

/* At which calls: all of the first, some of the many that are alike. */
#define STRIDE(at) (1 + (at) / 24)

/* Something to collect, each time other than before. */
static void make_garbage(struct scene *scene)
{
	for (size_t app = 0; app < APPS; app++) {
		for (int i = 0; i < 2; i++)
			take(scene, app, 60);
		drop_some(scene, app, 2);
	}
}

/* The gc of another process, which dies before its call number `at`; whether it did. */
static bool collect_and_die(struct scene *scene, long at)
{
	struct catalog_collected result;
	struct sn_err err;
	int status;
	pid_t pid;

	catalog_close(scene->cat);
	pid = fork();
	if (!pid) {
		open_scene(scene);
		fate.calls = 0;
		fate.at = at;
		fate.until = at;
		fate.verdict = 0;
		io_hook = decide;
		_exit(catalog_gc(scene->cat, false, &result, &err) < 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	open_scene(scene);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

static void test_death(void **state)
{
	auto_scene scene = scene_make(8);
	long at = 0, ended = 0;

	(void)state;
	io_hook = NULL;
	/* at every call, and beyond the last one */
	for (at = 1; ended < 5; at += STRIDE(at)) {
		make_garbage(&scene);
		ended = collect_and_die(&scene, at) ? 0 : ended + 1;
		assert_whole(&scene);
		if (rng_below(&scene.rng, 7) == 0)
			collect(&scene, false);
		assert_true(at < 1000);
	}
	assert_true(at > 30);
	collect(&scene, false);
	assert_whole(&scene);
	/* nothing is left behind by those that died */
	for (size_t app = 0; app < APPS; app++) {
		drop_some(&scene, app, 1);
		scene.worlds[app].last.id = 0;
		drop_some(&scene, app, 1);
	}
	collect(&scene, false);
	assert_int_equal(packs_bytes(&scene), 0);
}

static void test_failure(void **state)
{
	static const int verdicts[] = {ENOSPC, EIO, IO_HALF};
	auto_scene scene = scene_make(9);
	long succeeded = 0, failed = 0;

	(void)state;
	for (long at = 1; succeeded < 5; at += STRIDE(at)) {
		struct catalog_collected result;
		struct sn_err err;
		int r;

		make_garbage(&scene);
		fate.calls = 0;
		fate.at = at;
		fate.until = at + (rng_below(&scene.rng, 2) ? 0 : 1000); /* once, or from then on */
		fate.verdict = verdicts[rng_below(&scene.rng, 3)];
		io_hook = decide;
		r = catalog_gc(scene.cat, false, &result, &err);
		io_hook = NULL;
		succeeded = fate.calls < at ? succeeded + 1 : 0;
		failed += r < 0;
		if (r < 0)
			assert_null(strchr(err.text, '\n'));
		assert_whole(&scene);
		if (rng_below(&scene.rng, 5) == 0)
			collect(&scene, false);
		assert_true(at < 1000);
	}
	assert_true(failed > 20);
	collect(&scene, false);
	assert_whole(&scene);
}

/* Tells of far enough, as Ctrl-C at the shell. */
static void interrupt_at_half(void *arg, uint64_t done, uint64_t total)
{
	bool *moving = arg;

	if (total && done >= total / 2) {
		*moving = true;
		raise(SIGINT);
	}
}

/* In the midst of moving it ends; what is stored is whole, and the next one does the rest. */
static void test_interrupted(void **state)
{
	auto_scene scene = scene_make(10);
	const struct timespec now = {0, 0};
	struct catalog_collected result;
	uint64_t bytes;
	bool moving = false;
	struct sn_err err;
	sigset_t set;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 20 && !moving; i++) {
		make_garbage(&scene);
		bytes = packs_bytes(&scene);
		catalog_watch(scene.cat, interrupt_at_half, &moving);
		if (catalog_gc(scene.cat, false, &result, &err) < 0)
			assert_int_equal(err.code, EINTR);
		catalog_watch(scene.cat, NULL, NULL);
		while (sigtimedwait(&set, NULL, &now) > 0)
			;
		assert_whole(&scene);
	}
	assert_true(moving);
	assert_text(err, "interrupted");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	collect(&scene, false);
	assert_whole(&scene);
	assert_true(packs_bytes(&scene) < bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_remembered),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_hold_one),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_beside),
		cmocka_unit_test(test_death),
		cmocka_unit_test(test_failure),
	};

	return cmocka_run_group_tests(tests, test_group_begin, test_group_end);
}
