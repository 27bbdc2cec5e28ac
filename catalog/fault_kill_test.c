/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers that die: by SIGKILL at any moment, and before each call that changes a file.
 * Every snapshot whose commit has returned must be there and whole. Beyond those
 * only the one whose commit was under way may be seen, and whole.
 *
 * Another process, the holder, has the catalog open meanwhile, which keeps SQLite's
 * shared index of the log alive: what a killed writer left in the log is not
 * recovered then, but lies in wait until the holder, too, is killed (packs.h).
 */
#include "catalog/db.h"
#include "catalog/internal.h"
#include "catalog/test_io.h"
#include "catalog/test_world.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

enum {
	APPS = 2,
	KEPT = 15, /* older snapshots are dropped, so that verifying stays quick */
};

/* What a writer tells of itself through a pipe. */
struct report {
	int64_t app_id;
	int64_t id;
	bool failed; /* its commit has failed, and said so */
};

/* See test_io.h for why this is a variable. */
static struct {
	struct rng rng;
	long die_at;    /* before this call, 0: never */
	enum {
		NEVER,
		WHEN_STORED, /* pages are on the disk, nothing is in the database */
		WHEN_LOGGED, /* the commit is in the log, not yet in the log's index */
	} die_when;
	bool stored;
	long calls;
	int sick;       /* so many calls more fail */
	long fail_from; /* from this call on all do, 0: none */
	int health;     /* one in so many calls begins a bad time, 0: none does */
} fate;

/* The log is also synced when it has its header of 32 bytes only. */
static bool is_sync_of(const struct io_call *call, const char *ending)
{
	char link[32], name[4096];
	struct stat st;
	ssize_t len;

	if (call->what != IO_SYNC || fstat(call->fd, &st) < 0 || st.st_size <= 32)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", call->fd);
	len = readlink(link, name, sizeof(name) - 1);
	if (len < (ssize_t)strlen(ending))
		return false;
	name[len] = '\0';
	return !strcmp(name + len - strlen(ending), ending);
}

static int decide(const struct io_call *call)
{
	fate.calls++;
	if (fate.calls == fate.die_at || (fate.stored && fate.die_when == WHEN_STORED) ||
	    (fate.stored && fate.die_when == WHEN_LOGGED && is_sync_of(call, "/catalog.db-wal")))
		kill(getpid(), SIGKILL);
	if (fate.die_when != NEVER && is_sync_of(call, ".index"))
		fate.stored = true;
	if (fate.health && !rng_below(&fate.rng, (uint64_t)fate.health))
		fate.sick = 1 + (int)rng_below(&fate.rng, 6);
	if (fate.fail_from && fate.calls >= fate.fail_from)
		return ENOSPC;
	if (fate.sick <= 0)
		return 0;
	fate.sick--;
	if (call->what == IO_WRITE && rng_below(&fate.rng, 2))
		return IO_HALF;
	return rng_below(&fate.rng, 2) ? EIO : ENOSPC;
}

/* A writer's life: snapshots without end. Never returns. */
static void write_on(const char *dir, int64_t app_id, uint64_t seed, int pipe_fd)
{
	struct world world = {.app_id = app_id, .rng = {seed * 2654435769u + 1}};
	struct catalog_snapshot *snaps;
	struct report report = {.app_id = app_id};
	struct sn_err err;
	size_t count;

	io_hook = NULL;
	if (catalog_open(&world.cat, dir, &err) < 0 ||
	    catalog_snapshot_list(world.cat, app_id, &snaps, &count, &err) < 0)
		goto fail;
	world.cat->rotate_bytes = 300 * PAGE_BYTES;
	if (count && world_go_back(&world, snaps[count - 1].id, &err) < 0)
		goto fail;
	free(snaps);
	io_hook = decide;
	for (;;) {
		size_t changes = rng_below(&world.rng, 10) ? rng_below(&world.rng, 20) : 150;

		report.failed = world_take(&world, changes, &err) < 0;
		report.id = report.failed ? 0 : world.last.id;
		if (report.failed && !fate.health)
			goto fail;
		if (write(pipe_fd, &report, sizeof(report)) != sizeof(report))
			_exit(0);
	}
fail:
	io_hook = NULL;
	fprintf(stderr, "writer of application %lld: %s\n", (long long)app_id, err.text);
	_exit(1);
}

struct writer {
	pid_t pid;
	int pipe_fd;
};

static struct writer writer_start(const char *dir, int64_t app_id, uint64_t seed)
{
	struct writer writer;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fate.rng = (struct rng){seed * 0x9e3779b97f4a7c15 + 1};
	fate.calls = 0;
	fate.sick = 0;
	writer.pid = fork();
	if (!writer.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test fails */
		close(ends[0]);
		write_on(dir, app_id, seed, ends[1]);
	}
	close(ends[1]);
	writer.pipe_fd = ends[0];
	return writer;
}

/* What is known of an application's snapshots. */
struct known {
	int64_t acked[4096]; /* committed and not dropped, in order */
	size_t count;
	int64_t highest;     /* the last id that was ever committed */
	size_t failures;     /* reported since the last look */
};

/* Kills the writer unless it is dead already; how many snapshots it has reported. */
static size_t writer_end(struct writer *writer, struct known *known)
{
	size_t before = known->count;
	struct report report;
	int status;

	kill(writer->pid, SIGKILL);
	while (read(writer->pipe_fd, &report, sizeof(report)) == sizeof(report)) {
		if (report.failed) {
			known->failures++;
			continue;
		}
		assert_true(known->count < sn_countof(known->acked));
		assert_true(report.id > known->highest);
		known->acked[known->count++] = report.id;
		known->highest = report.id;
	}
	close(writer->pipe_fd);
	assert_int_equal(waitpid(writer->pid, &status, 0), writer->pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return known->count - before;
}

/* What has been looked at is known; the oldest of it goes. */
static void settle(struct catalog *cat, int64_t app_id, struct known *known,
		   const struct catalog_snapshot *snaps, size_t count)
{
	struct sn_err err;

	known->count = 0;
	known->failures = 0;
	for (size_t i = 0; i < count; i++) {
		if (i + KEPT < count)
			assert_done(world_drop(cat, app_id, snaps[i].id, &err));
		else
			known->acked[known->count++] = snaps[i].id;
		if (snaps[i].id > known->highest)
			known->highest = snaps[i].id;
	}
}

/*
 * Compares what is seen with what is known. `strays` is how many snapshots may be
 * seen that nobody has reported; returns how many there are.
 */
static size_t look(struct catalog *cat, int64_t app_id, struct known *known, size_t strays)
{
	sn_auto_free struct catalog_snapshot *snaps = NULL;
	size_t count, at = 0, found = 0;
	struct sn_err err;

	assert_done(catalog_snapshot_list(cat, app_id, &snaps, &count, &err));
	for (size_t i = 0; i < count; i++) {
		if (at < known->count && snaps[i].id == known->acked[at])
			at++;
		else if (++found > strays)
			fail_msg("snapshot %lld is seen, but was never reported",
				 (long long)snaps[i].id);
	}
	if (at != known->count)
		fail_msg("snapshot %lld was reported, but is not there",
			 (long long)known->acked[at]);
	for (size_t i = count > KEPT ? count - KEPT : 0; i < count; i++)
		assert_done(world_verify(cat, app_id, snaps[i].id, &err));
	settle(cat, app_id, known, snaps, count);
	return found;
}

struct scene {
	char *dir;
	pid_t holder;
	int64_t app_ids[APPS];
	struct known known[APPS];
	struct rng rng;
};

static void holder_start(struct scene *scene)
{
	pid_t test = getpid();
	int ends[2];
	char ready;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	scene->holder = fork();
	if (!scene->holder) {
		struct catalog_app *apps;
		struct catalog *cat;
		struct sn_err err;
		size_t count;

		io_hook = NULL;
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test fails */
		if (getppid() != test || catalog_open(&cat, scene->dir, &err) < 0 ||
		    catalog_app_list(cat, &apps, &count, &err) < 0 || write(ends[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &ready, 1), 1);
	close(ends[0]);
}

static void holder_kill(struct scene *scene)
{
	kill(scene->holder, SIGKILL);
	assert_int_equal(waitpid(scene->holder, NULL, 0), scene->holder);
}

static void scene_begin(struct scene *scene, uint64_t seed)
{
	struct catalog *cat;
	struct sn_err err;

	*scene = (struct scene){.dir = test_dir_make(), .rng = {seed}};
	assert_done(catalog_open(&cat, scene->dir, &err));
	for (int i = 0; i < APPS; i++) {
		struct catalog_app app = {.exit_status = -1};

		snprintf(app.name, sizeof(app.name), "app%d", i);
		assert_done(catalog_app_add(cat, &app, &err));
		scene->app_ids[i] = app.id;
	}
	catalog_close(cat); /* before any fork, see catalog.h */
	holder_start(scene);
}

/* With `recover` the holder dies first, and the log is read anew. How many snapshots
 * there are that nobody has reported. */
static size_t scene_look(struct scene *scene, bool recover, size_t strays)
{
	struct catalog *cat;
	struct sn_err err;
	size_t found = 0;

	if (recover)
		holder_kill(scene);
	assert_done(catalog_open(&cat, scene->dir, &err));
	for (size_t i = 0; i < APPS; i++)
		found += look(cat, scene->app_ids[i], &scene->known[i], strays);
	catalog_close(cat);
	if (recover)
		holder_start(scene);
	return found;
}

static void scene_end(struct scene *scene)
{
	test_auto_catalog cat = NULL;
	struct sn_err err;
	size_t count;

	holder_kill(scene);
	assert_done(catalog_open(&cat, scene->dir, &err));
	for (int i = 0; i < APPS; i++)
		assert_done(world_verify_all(cat, scene->app_ids[i], &count, &err));
	test_dir_remove(&scene->dir);
}

static void sleep_us(uint64_t us)
{
	struct timespec time = {.tv_nsec = (long)us * 1000};

	nanosleep(&time, NULL);
}

/* Two writers at once, each killed at a moment of its own. Where the disk is slow they live longer:
 * about one snapshot a round has to be reported, or nothing is shown. */
static void test_sigkill(void **state)
{
	enum { ROUNDS = 250, LIFE_US = 12000, LIFE_MAX_US = 300000 };
	uint64_t life_us = LIFE_US;
	struct scene scene;
	size_t reported = 0;

	(void)state;
	scene_begin(&scene, 42);
	fate.health = 0;
	fate.die_at = 0;
	for (uint64_t round = 0; round < ROUNDS; round++) {
		struct writer writers[APPS];

		for (size_t i = 0; i < APPS; i++)
			writers[i] = writer_start(scene.dir, scene.app_ids[i],
						  round * APPS + i + 1);
		for (size_t i = 0; i < APPS; i++) {
			sleep_us(rng_below(&scene.rng, life_us));
			reported += writer_end(&writers[i], &scene.known[i]);
		}
		if (reported <= round + 10 && life_us < LIFE_MAX_US)
			life_us += life_us / 8;
		scene_look(&scene, round % 2, 1);
	}
	assert_true(reported > ROUNDS);
	scene_end(&scene);
}

/* A writer that dies by itself; how many snapshots it has reported. */
static size_t write_until_death(struct scene *scene, size_t app, uint64_t seed)
{
	struct writer writer = writer_start(scene->dir, scene->app_ids[app], seed);
	struct pollfd over = {.fd = writer.pipe_fd};

	while (poll(&over, 1, 20000) > 0 && !(over.revents & POLLHUP))
		;
	assert_true(over.revents & POLLHUP);
	return writer_end(&writer, &scene->known[app]);
}

/*
 * Death before the first, the second, the third ... call that changes a file, and
 * that of another writer of the same pack after it, before the log is recovered.
 */
static void test_every_call(void **state)
{
	enum { FIRST = 60, SECONDS = 2, SECOND = 40 };
	struct scene scene;

	(void)state;
	scene_begin(&scene, 43);
	fate.health = 0;
	for (long at = 1; at <= FIRST; at++) {
		for (uint64_t i = 0; i < SECONDS; i++) {
			fate.die_at = at;
			write_until_death(&scene, 0, (uint64_t)at * SECONDS + i + 7);
			fate.die_at = 1 + (long)rng_below(&scene.rng, SECOND);
			write_until_death(&scene, 1, (uint64_t)at * SECONDS + i + 3001);
			scene_look(&scene, true, 1);
		}
	}
	fate.die_at = 0;
	scene_end(&scene);
}

/*
 * The trap of packs.h: a commit is whole in the log, but its writer died before
 * anybody could see it; the next writer of the pack dies when its pages lie where
 * those of the first did; then the log is recovered. Without the second writer the
 * commit does come back.
 */
static void test_unseen_commit(void **state)
{
	enum { ROUNDS = 24 };
	struct scene scene;
	size_t unseen = 0;

	(void)state;
	scene_begin(&scene, 45);
	fate.health = 0;
	for (uint64_t round = 0; round < ROUNDS; round++) {
		bool sprung = round % 2;

		fate.die_when = WHEN_LOGGED;
		write_until_death(&scene, 0, 2 * round + 5000);
		fate.die_when = WHEN_STORED;
		if (sprung)
			write_until_death(&scene, 1, 2 * round + 5001);
		fate.die_when = NEVER;
		unseen += scene_look(&scene, true, !sprung);
	}
	assert_true(unseen >= ROUNDS / 3); /* the trap was set */
	scene_end(&scene);
}

/*
 * Bad times, in which calls fail and the writer says so, lives on and dies later. A
 * commit that failed may come back from the log when a bad time kept the writer
 * from making sure that it does not: whole, or not at all.
 */
static void test_bad_times(void **state)
{
	enum { ROUNDS = 300 };
	struct scene scene;
	size_t failures = 0, reported = 0;

	(void)state;
	scene_begin(&scene, 44);
	for (uint64_t round = 0; round < ROUNDS; round++) {
		size_t app = round % APPS, failed;

		fate.health = 4 + (int)rng_below(&scene.rng, 60);
		fate.die_at = 1 + (long)rng_below(&scene.rng, 200);
		reported += write_until_death(&scene, app, round + 1000);
		failed = scene.known[app].failures;
		failures += failed;
		scene_look(&scene, round % 3 == 2, failed + 1);
	}
	fate.health = 0;
	fate.die_at = 0;
	assert_true(failures > ROUNDS / 2 && reported > ROUNDS / 2);
	scene_end(&scene);
}

/* Takes the schema's migrations back, to the first or to the second. */
static void make_old(const char *dir, int to)
{
	sn_auto_free char *path = sn_asprintf("%s/catalog.db", dir);
	struct sn_err err;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_done(db_exec(db, "BEGIN; DELETE FROM migrations WHERE number > 2;"
				"DROP TABLE demands; COMMIT", &err));
	if (to < 2)
		assert_done(db_exec(db,
				    "BEGIN; DELETE FROM migrations WHERE number > 1;"
				    "ALTER TABLE apps DROP COLUMN auto_interval_ns;"
				    "ALTER TABLE apps DROP COLUMN auto_keep; COMMIT", &err));
	sqlite3_close(db);
}

/* Opens the catalog in another process, which dies before call `at` or finds the disk full from
 * then on; whether it came to that call. */
static bool open_and_fail(const char *dir, long at, bool death)
{
	struct catalog *cat;
	struct sn_err err;
	int status;
	pid_t pid = fork();

	if (!pid) {
		fate.calls = 0;
		fate.die_at = death ? at : 0;
		fate.sick = 0;
		fate.health = 0;
		fate.fail_from = death ? 0 : at;
		io_hook = decide;
		if (catalog_open(&cat, dir, &err) == 0)
			catalog_close(cat);
		_exit(fate.calls >= at ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) || WEXITSTATUS(status) == 1;
}

/* A catalog of an older version that is opened: whatever happens meanwhile, the next that opens
 * it finds all that was there. */
static void test_migration(void **state)
{
	test_auto_dir dir = test_dir_make();
	struct world world;
	struct sn_err err;
	struct pagemap order = {0};
	size_t count;
	long calls = 0;

	(void)state;
	io_hook = NULL;
	assert_done(catalog_open(&world.cat, dir, &err));
	assert_done(world_begin(&world, world.cat, "app", 7, &err));
	for (int i = 0; i < 6; i++)
		assert_done(world_take(&world, 30, &err));
	catalog_close(world.cat);
	pagemap_append(&order, 7, 3, 1);
	for (int how = 0; how < 4; how++) {
		bool came = true;

		for (long at = 1; came; at++) {
			make_old(dir, 1 + how / 2);
			came = open_and_fail(dir, at, how % 2);
			calls += came;
			assert_done(catalog_open(&world.cat, dir, &err));
			assert_done(world_verify_all(world.cat, world.app_id, &count, &err));
			assert_int_equal(count, 6);
			assert_done(catalog_app_set_auto(world.cat, world.app_id, at, 2, &err));
			assert_done(catalog_app_set_auto(world.cat, world.app_id, 0, 0, &err));
			assert_done(catalog_demands_store(world.cat, world.app_id, 3, &order,
							  &err));
			catalog_close(world.cat);
		}
	}
	assert_true(calls > 12);
	pagemap_release(&order);
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sigkill),
		cmocka_unit_test(test_every_call),
		cmocka_unit_test(test_unseen_commit),
		cmocka_unit_test(test_bad_times),
		cmocka_unit_test(test_migration),
	};

	return cmocka_run_group_tests(tests, test_group_begin, test_group_end);
}
