/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog as its users see it: opening, applications, snapshots. */
#include "catalog/clock.h"
#include "catalog/db.h"
#include "catalog/internal.h"
#include "catalog/schema.h"
#include "catalog/test_world.h"

#include <sys/wait.h>

/* ---- opening ---- */

static mode_t mode_of(const char *dir, const char *name)
{
	sn_auto_free char *path = sn_asprintf("%s/%s", dir, name);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void check_modes(mode_t mask)
{
	test_auto_dir dir = test_dir_make();
	sn_auto_free char *inner = sn_asprintf("%s/a/b/catalog", dir);
	mode_t old = umask(mask);
	struct catalog *cat;
	struct world world;
	struct sn_err err;

	assert_done(catalog_open(&cat, inner, &err));
	assert_done(world_begin(&world, cat, "app", 1, &err));
	assert_done(world_take(&world, 5, &err));
	assert_int_equal(mode_of(dir, "a"), 0700);
	assert_int_equal(mode_of(inner, "."), 0700);
	assert_int_equal(mode_of(inner, "packs"), 0700);
	assert_int_equal(mode_of(inner, "apps"), 0700);
	assert_int_equal(mode_of(inner, "catalog.db"), 0600);
	assert_int_equal(mode_of(inner, "catalog.db-wal"), 0600);
	assert_int_equal(mode_of(inner, "catalog.db-shm"), 0600);
	assert_int_equal(mode_of(inner, "packs/1.pages"), 0600);
	assert_int_equal(mode_of(inner, "packs/1.index"), 0600);
	world_end(&world);
	catalog_close(cat);
	umask(old);
}

static void test_modes(void **state)
{
	(void)state;
	check_modes(0);
	check_modes(022);
	check_modes(0777);
}

/* A directory that is there keeps its mode: it may be anybody's. */
static void test_own_directory(void **state)
{
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	sn_auto_free char *real = NULL;
	struct sn_err err;

	(void)state;
	assert_int_equal(chmod(dir, 0755), 0);
	assert_done(catalog_open(&cat, dir, &err));
	assert_int_equal(mode_of(dir, "."), 0755);
	real = realpath(dir, NULL);
	assert_string_equal(catalog_dir(cat), real);
	assert_int_equal(faccessat(catalog_dirfd(cat), "apps", X_OK, 0), 0);
}

static void test_no_directory(void **state)
{
	test_auto_dir dir = test_dir_make();
	sn_auto_free char *file = sn_asprintf("%s/file", dir);
	sn_auto_free char *below = sn_asprintf("%s/file/below", dir);
	struct catalog *cat;
	struct sn_err err;

	(void)state;
	assert_int_equal(close(open(file, O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(catalog_open(&cat, file, &err), -1);
	assert_text(err, file);
	assert_text(err, "Not a directory");
	assert_int_equal(catalog_open(&cat, below, &err), -1);
	assert_text(err, "Not a directory");
	assert_int_equal(catalog_open(&cat, "", &err), -1);
	assert_text(err, "No such file or directory");
}

/* SQL of our own on a catalog that is closed. */
static void run_sql(const char *dir, const char *sql)
{
	sn_auto_free char *path = sn_asprintf("%s/catalog.db", dir);
	struct sn_err err;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_done(db_exec(db, sql, &err));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_newer_schema(void **state)
{
	test_auto_dir dir = test_dir_make();
	struct catalog *cat;
	struct sn_err err;

	(void)state;
	assert_done(catalog_open(&cat, dir, &err));
	catalog_close(cat);
	run_sql(dir, "INSERT INTO migrations VALUES (4711, 'from the future', 0);");
	assert_int_equal(catalog_open(&cat, dir, &err), -1);
	assert_text(err, dir);
	assert_text(err, "number 4711");
	assert_text(err, "use the snapsh that wrote it or a newer one");
	run_sql(dir, "DELETE FROM migrations WHERE number = 4711;");
	assert_done(catalog_open(&cat, dir, &err));
	catalog_close(cat);
}

static void test_older_schema(void **state)
{
	static const struct migration first = {1, "one", "CREATE TABLE t (a INTEGER)"};
	static const struct migration both[] = {
		{1, "one", "CREATE TABLE t (a INTEGER)"},
		{2, "two", "ALTER TABLE t ADD COLUMN b INTEGER DEFAULT 7"},
	};
	static const struct migration bad[] = {
		{1, "one", ""},
		{2, "two", ""},
		{3, "three", "UPDATE t SET b = 8; INSERT INTO nowhere VALUES (1)"},
	};
	test_auto_dir dir = test_dir_make();
	sn_auto_free char *path = sn_asprintf("%s/catalog.db", dir);
	struct sn_err err;
	sqlite3 *db;

	(void)state;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_done(schema_update(db, &first, 1, &err));
	assert_done(db_exec(db, "INSERT INTO t VALUES (1)", &err));
	assert_done(schema_update(db, both, 2, &err));
	assert_done(schema_update(db, both, 2, &err));
	assert_done(db_exec(db, "UPDATE t SET a = 2 WHERE b = 7", &err));
	assert_int_equal(sqlite3_changes(db), 1);
	/* one that fails leaves nothing behind */
	assert_int_equal(schema_update(db, bad, 3, &err), -1);
	assert_text(err, "migration 3 (three)");
	assert_done(db_exec(db, "UPDATE t SET a = 3 WHERE b = 7", &err));
	assert_int_equal(sqlite3_changes(db), 1);
	assert_int_equal(schema_update(db, &first, 1, &err), -1);
	assert_text(err, "schema is number 2");
	sqlite3_close(db);
}

static void test_foreign_database(void **state)
{
	test_auto_dir dir = test_dir_make();
	sn_auto_free char *path = sn_asprintf("%s/catalog.db", dir);
	sn_auto_fd int fd = -1;
	struct catalog *cat;
	struct sn_err err;
	off_t before;

	(void)state;
	run_sql(dir, "CREATE TABLE recipes (name TEXT);");
	before = file_bytes(dir, "catalog.db");
	assert_int_equal(catalog_open(&cat, dir, &err), -1);
	assert_text(err, "is not a catalog of snapsh");
	assert_int_equal(file_bytes(dir, "catalog.db"), before);
	assert_int_equal(file_bytes(dir, "catalog.db-wal"), -1);

	fd = open(path, O_WRONLY | O_TRUNC);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(write(fd, "garbage\n", 8), 8);
	assert_int_equal(catalog_open(&cat, dir, &err), -1);
	assert_text(err, "not a database");
}

static void test_opened_at_once(void **state)
{
	enum { PROCESSES = 12, ROUNDS = 8 };

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		test_auto_dir dir = test_dir_make();
		pid_t pids[PROCESSES];

		for (int i = 0; i < PROCESSES; i++) {
			char name[16];

			snprintf(name, sizeof(name), "app%d", i);
			pids[i] = fork();
			if (!pids[i]) {
				struct catalog *cat;
				struct world world;
				struct sn_err err;

				if (catalog_open(&cat, dir, &err) < 0 ||
				    world_begin(&world, cat, name, (uint64_t)i, &err) < 0 ||
				    world_take(&world, 3, &err) < 0 ||
				    world_verify(cat, world.app_id, 1, &err) < 0) {
					fprintf(stderr, "process %d: %s\n", i, err.text);
					_exit(1);
				}
				catalog_close(cat);
				_exit(0);
			}
		}
		for (int i = 0; i < PROCESSES; i++) {
			int status;

			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			assert_int_equal(status, 0);
		}
	}
}

/* ---- applications ---- */

static void test_apps(void **state)
{
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	struct catalog_app app = {.name = "redis-7.0_a", .pid = 4711, .start_ticks = UINT64_MAX,
				  .exit_status = -1, .command = "redis-server *:6379"};
	struct catalog_app found, *list;
	int64_t before = clock_realtime_ns();
	struct sn_err err;
	size_t count;

	(void)state;
	assert_done(catalog_open(&cat, dir, &err));
	assert_int_equal(catalog_app_find(cat, "redis-7.0_a", &found, &err), 0);
	assert_done(catalog_app_add(cat, &app, &err));
	assert_true(app.id > 0 && app.created_ns >= before);
	assert_int_equal(catalog_app_find(cat, "redis-7.0_a", &found, &err), 1);
	assert_memory_equal(&found, &app, sizeof(app));
	assert_int_equal(catalog_app_add(cat, &app, &err), -1);
	assert_text(err, "redis-7.0_a is taken");

	app.pid = 0;
	app.keeper_pid = 12;
	app.console_pid = 13;
	app.exit_status = 9;
	memset(app.command, 0, sizeof(app.command));
	strcpy(app.command, "another");
	assert_done(catalog_app_update(cat, &app, &err));
	assert_int_equal(catalog_app_find(cat, "redis-7.0_a", &found, &err), 1);
	assert_memory_equal(&found, &app, sizeof(app));

	app = (struct catalog_app){.name = "b"};
	assert_done(catalog_app_add(cat, &app, &err));
	assert_done(catalog_app_list(cat, &list, &count, &err));
	assert_int_equal(count, 2);
	assert_string_equal(list[0].name, "redis-7.0_a");
	assert_string_equal(list[1].name, "b");
	free(list);
	app.id = 999;
	assert_int_equal(catalog_app_update(cat, &app, &err), -1);
	assert_text(err, "no application number 999");
}

static void test_app_names(void **state)
{
	static const char *const bad[] = {"", "-n", "a b", "a/b", "a@3", ".", "..", "\xc3\xa4",
					  "a\n"};
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	struct catalog_app app = {0};
	struct sn_err err;

	(void)state;
	assert_done(catalog_open(&cat, dir, &err));
	for (size_t i = 0; i < sn_countof(bad); i++) {
		strcpy(app.name, bad[i]);
		assert_int_equal(catalog_app_add(cat, &app, &err), -1);
		assert_text(err, "name");
	}
	memset(app.name, 'x', sizeof(app.name)); /* without an end */
	assert_int_equal(catalog_app_add(cat, &app, &err), -1);
	app.name[sizeof(app.name) - 1] = '\0';
	memset(app.command, 'y', sizeof(app.command));
	assert_done(catalog_app_add(cat, &app, &err));
	assert_int_equal(strlen(app.command), sizeof(app.command) - 1);
}

/* ---- snapshots ---- */

static void test_roundtrip(void **state)
{
	test_auto_dir dir = test_dir_make();
	struct catalog *cat;
	struct world world;
	struct sn_err err;
	size_t count;

	(void)state;
	assert_done(catalog_open(&cat, dir, &err));
	assert_done(world_begin(&world, cat, "app", 1, &err));
	for (int i = 1; i <= 40; i++) {
		assert_done(world_take(&world, i % 10 ? 10 : 0, &err));
		assert_int_equal(world.last.id, i);
		assert_done(world_verify(cat, world.app_id, i, &err));
	}
	catalog_close(cat);
	assert_done(catalog_open(&cat, dir, &err));
	assert_done(world_verify_all(cat, world.app_id, &count, &err));
	assert_int_equal(count, 40);
	catalog_close(cat);
	world_end(&world);
}

static int put_empty(struct world *world, struct catalog_snapshot *snap, struct sn_err *err)
{
	struct pagemap none = {0};
	struct catalog_put *put;

	if (catalog_put_begin(world->cat, world->app_id, 0, &put, err) < 0)
		return -1;
	return catalog_put_commit(put, snap, NULL, 0, &none, NULL, err);
}

static void test_fields(void **state)
{
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	sn_auto_free uint8_t *image = NULL;
	sn_auto(pagemap_release) struct pagemap map = {0};
	struct catalog_snapshot snap = {
		.tag = "boss", .tracker = "soft-dirty", .taker = TAKEN_BY_TIMER, .tasks = 1,
		.threads = 2,
		.stop_ns = 3, .wall_ns = 4, .resident_pages = 5, .dirty_pages = 6,
		.copied_bytes = UINT64_MAX, .stored_bytes = 99999,
	}, found, other = {.tag = "boss"};
	struct world world;
	struct sn_err err;
	size_t len;

	(void)state;
	assert_done(catalog_open(&cat, dir, &err));
	assert_done(world_begin(&world, cat, "app", 1, &err));
	memset(snap.message, 'm', sizeof(snap.message)); /* without an end */
	assert_done(put_empty(&world, &snap, &err));
	assert_int_equal(strlen(snap.message), sizeof(snap.message) - 1);
	assert_int_equal(snap.id, 1);
	assert_int_equal(snap.app_id, world.app_id);
	assert_true(snap.created_ns > 0 && snap.stored_bytes < 100);
	assert_int_equal(catalog_snapshot_find(cat, world.app_id, 1, &found, &err), 1);
	assert_memory_equal(&found, &snap, sizeof(snap));
	assert_int_equal(catalog_snapshot_by_tag(cat, world.app_id, "boss", &found, &err), 1);
	assert_memory_equal(&found, &snap, sizeof(snap));
	assert_int_equal(catalog_snapshot_by_tag(cat, world.app_id, "bos", &found, &err), 0);
	assert_int_equal(catalog_snapshot_find(cat, world.app_id, 2, &found, &err), 0);
	assert_int_equal(catalog_snapshot_find(cat, 77, 1, &found, &err), 0);
	assert_done(catalog_image_load(cat, world.app_id, 1, &image, &len, &err));
	assert_int_equal(len, 0);
	assert_done(catalog_map_load(cat, world.app_id, 1, &map, &err));
	assert_int_equal(map.len, 0);

	assert_int_equal(put_empty(&world, &other, &err), -1);
	assert_text(err, "tag boss is taken by snapshot 1");
	assert_int_equal(other.id, 0);
	assert_int_equal(catalog_snapshot_find(cat, world.app_id, 2, &found, &err), 0);
	other = (struct catalog_snapshot){.created_ns = 12345};
	assert_done(put_empty(&world, &other, &err));
	assert_int_equal(other.id, 2);
	assert_int_equal(other.created_ns, 12345);
}

static void test_no_such(void **state)
{
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	sn_auto(pagemap_release) struct pagemap map = {0};
	struct catalog_put *put;
	struct world world;
	struct sn_err err;
	uint8_t *image;
	size_t len;

	(void)state;
	assert_done(catalog_open(&cat, dir, &err));
	assert_done(world_begin(&world, cat, "app", 1, &err));
	assert_int_equal(catalog_put_begin(cat, 55, 0, &put, &err), -1);
	assert_text(err, "no application number 55");
	assert_int_equal(catalog_image_load(cat, world.app_id, 3, &image, &len, &err), -1);
	assert_text(err, "snapshot 3");
	assert_int_equal(catalog_map_load(cat, world.app_id, 3, &map, &err), -1);
	assert_text(err, "snapshot 3");
	assert_int_equal(world_drop(cat, world.app_id, 3, &err), -1);
	assert_text(err, "drop snapshot 3: there is no such snapshot");
	catalog_put_abort(NULL);
	catalog_close(NULL);
}

static void find_app(struct catalog *cat, struct catalog_app *app)
{
	struct sn_err err;

	assert_int_equal(catalog_app_find(cat, "app", app, &err), 1);
}

static void test_current(void **state)
{
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	struct catalog_app app, old;
	struct world world;
	struct sn_err err;

	(void)state;
	assert_done(catalog_open(&cat, dir, &err));
	assert_done(world_begin(&world, cat, "app", 1, &err));
	for (int i = 1; i <= 4; i++) {
		assert_done(world_take(&world, 10, &err));
		find_app(cat, &app);
		assert_int_equal(app.current, i);
	}
	app.undo = 2;
	assert_done(catalog_app_update(cat, &app, &err));
	old = app;
	assert_done(world_drop(cat, world.app_id, 2, &err));
	assert_done(world_drop(cat, world.app_id, 4, &err));
	find_app(cat, &app);
	assert_int_equal(app.current, 3);
	assert_int_equal(app.undo, 0);
	/* somebody who does not know yet of the drops brings nothing back */
	assert_done(catalog_app_update(cat, &old, &err));
	find_app(cat, &app);
	assert_int_equal(app.current, 3);
	assert_int_equal(app.undo, 0);
	/* ids are not used again; the parent is where the application now stands */
	assert_int_equal(world.last.id, 4);
	assert_done(world_take(&world, 10, &err));
	assert_int_equal(world.last.id, 5);
	assert_int_equal(world.last.parent, 3);
	assert_done(world_verify(cat, world.app_id, 5, &err));
	assert_done(world_drop(cat, world.app_id, 1, &err));
	assert_done(world_drop(cat, world.app_id, 3, &err));
	assert_done(world_drop(cat, world.app_id, 5, &err));
	find_app(cat, &app);
	assert_int_equal(app.current, 0);
	assert_done(world_take(&world, 10, &err));
	assert_int_equal(world.last.id, 6);
	assert_int_equal(world.last.parent, 0);
	world_end(&world);
}

/* Two handles in one process, two puts at once, aborted and committed out of order. */
static void test_two_writers(void **state)
{
	test_auto_dir dir = test_dir_make();
	test_auto_catalog one = NULL;
	test_auto_catalog two = NULL;
	struct world a, b;
	struct catalog_put *open_a, *open_b;
	struct sn_err err;
	size_t count;

	(void)state;
	assert_done(catalog_open(&one, dir, &err));
	assert_done(catalog_open(&two, dir, &err));
	assert_done(world_begin(&a, one, "a", 1, &err));
	assert_done(world_begin(&b, two, "b", 2, &err));
	for (int i = 0; i < 20; i++) {
		assert_done(catalog_put_begin(one, a.app_id, 0, &open_a, &err));
		assert_done(catalog_put_begin(two, b.app_id, 0, &open_b, &err));
		assert_done(world_take(&a, 10, &err));
		assert_done(world_take(&b, 10, &err));
		catalog_put_abort(open_a);
		assert_done(world_take(&a, 10, &err));
		catalog_put_abort(open_b);
	}
	assert_done(world_verify_all(two, a.app_id, &count, &err));
	assert_int_equal(count, 40);
	assert_done(world_verify_all(one, b.app_id, &count, &err));
	assert_int_equal(count, 20);
	world_end(&a);
	world_end(&b);
}

/* A child that lets go of its copy of the handle does no harm to the parent's. */
static void test_closed_by_child(void **state)
{
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	struct world world;
	struct sn_err err;
	size_t count;

	(void)state;
	assert_done(catalog_open(&cat, dir, &err));
	assert_done(world_begin(&world, cat, "a", 1, &err));
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();

		if (!pid) {
			catalog_close(cat);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_true(file_bytes(dir, "catalog.db-wal") > 0);
		assert_done(world_take(&world, 10, &err));
	}
	assert_done(world_verify_all(cat, world.app_id, &count, &err));
	assert_int_equal(count, 3);
	world_end(&world);
}

/* Several processes, each with its own application, and one that drops meanwhile. */
static void test_processes(void **state)
{
	enum { WRITERS = 4, TAKES = 60 };
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	pid_t pids[WRITERS];
	struct sn_err err;
	size_t count;

	(void)state;
	for (int i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			char name[16];
			struct world world;
			bool failed;

			snprintf(name, sizeof(name), "app%d", i);
			failed = catalog_open(&cat, dir, &err) < 0 ||
				 world_begin(&world, cat, name, (uint64_t)i, &err) < 0;
			for (int j = 0; !failed && j < TAKES; j++)
				failed = world_take(&world, 5, &err) < 0 ||
					 (j % 3 == 2 && world_drop(cat, world.app_id,
									       j, &err) < 0);
			if (failed)
				fprintf(stderr, "%s: %s\n", name, err.text);
			_exit(failed);
		}
	}
	for (int i = 0; i < WRITERS; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_done(catalog_open(&cat, dir, &err));
	for (int i = 1; i <= WRITERS; i++) {
		assert_done(world_verify_all(cat, i, &count, &err));
		assert_int_equal(count, TAKES - TAKES / 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_own_directory),
		cmocka_unit_test(test_no_directory),
		cmocka_unit_test(test_newer_schema),
		cmocka_unit_test(test_older_schema),
		cmocka_unit_test(test_foreign_database),
		cmocka_unit_test(test_opened_at_once),
		cmocka_unit_test(test_apps),
		cmocka_unit_test(test_app_names),
		cmocka_unit_test(test_roundtrip),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_no_such),
		cmocka_unit_test(test_current),
		cmocka_unit_test(test_two_writers),
		cmocka_unit_test(test_closed_by_child),
		cmocka_unit_test(test_processes),
	};

	return cmocka_run_group_tests(tests, test_group_begin, test_group_end);
}
