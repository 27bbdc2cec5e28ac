/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes that fail: each call that changes a file fails once, or from then on, in
 * each way there is; a full file system; a limit on the size of files. Every time
 * the error must be clean, nothing half-done visible, the catalog usable afterwards.
 */
#include "catalog/db.h"
#include "catalog/internal.h"
#include "catalog/test_io.h"
#include "catalog/test_world.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* ---- one fault ---- */

struct fault {
	const char *name;
	int code;
	bool stays;  /* every later call fails too */
	bool halves; /* a write is first done by half */
};

static const struct fault faults[] = {
	{"EIO once", EIO, false, false},
	{"EIO from then on", EIO, true, false},
	{"ENOSPC once", ENOSPC, false, false},
	{"ENOSPC from then on, after half a write", ENOSPC, true, true},
};

/* See test_io.h for why this is a variable. */
static struct {
	const struct fault *fault; /* NULL: none */
	long at;                   /* the call that fails first */
	long calls;
	bool struck;
} plan;

static int strike(const struct io_call *call)
{
	plan.calls++;
	if (plan.calls < plan.at)
		return 0;
	if (plan.calls == plan.at && plan.fault->halves && call->what == IO_WRITE)
		return IO_HALF;
	if (plan.struck && !plan.fault->stays)
		return 0;
	plan.struck = true;
	return plan.fault->code;
}

static void arm(const struct fault *fault, long at)
{
	plan.fault = fault;
	plan.at = at;
	plan.calls = 0;
	plan.struck = false;
	io_hook = strike;
}

static void disarm(void)
{
	io_hook = NULL;
}

/* The error names the cause, or what SQLite says when it has lost the cause. */
static void check_error(const struct sn_err *err, const struct fault *fault)
{
	if (err->code == EIO && strstr(err->text, "catalog.db: "))
		return;
	if (err->code != fault->code)
		fail_msg("%s: code %d: %s", fault->name, err->code, err->text);
	assert_text(*err, strerror(fault->code));
}

/* ---- a snapshot ---- */

static struct catalog *open_small(const char *dir)
{
	struct catalog *cat;
	struct sn_err err;

	assert_done(catalog_open(&cat, dir, &err));
	/* new packs and checkpoints of the log are often in the way of the fault */
	cat->rotate_bytes = 60 * PAGE_BYTES;
	assert_done(db_exec(cat->db, "PRAGMA wal_autocheckpoint = 30", &err));
	return cat;
}

static size_t count_whole(struct world *world)
{
	struct sn_err err;
	size_t count;

	assert_done(world_verify_all(world->cat, world->app_id, &count, &err));
	return count;
}

/* The catalog is closed and opened again, as by another process. */
static void reopen(struct world *world, const char *dir)
{
	catalog_close(world->cat);
	world->cat = open_small(dir);
}

static void take_with(const struct fault *fault)
{
	test_auto_dir dir = test_dir_make();
	struct world world;
	struct sn_err err;
	size_t have = 1;

	assert_done(world_begin(&world, open_small(dir), "app", 1, &err));
	assert_done(world_take(&world, 30, &err));
	for (long at = 1;; at++) {
		int64_t id = world.last.id;
		int r;

		arm(fault, at);
		r = world_take(&world, 10, &err);
		disarm();
		if (r == 0) { /* that a checkpoint failed harms nobody */
			have++;
			assert_true(world.last.id > id);
		} else {
			check_error(&err, fault);
			assert_int_equal(world.last.id, id);
		}
		assert_int_equal(count_whole(&world), have);
		if (at % 3 == 0)
			reopen(&world, dir);
		assert_done(world_take(&world, 10, &err));
		assert_int_equal(count_whole(&world), ++have);
		for (; have > 12; have--) { /* what is verified stays small */
			sn_auto_free struct catalog_snapshot *snaps = NULL;
			size_t count;

			assert_done(catalog_snapshot_list(world.cat, world.app_id, &snaps, &count,
							  &err));
			assert_done(world_drop(world.cat, world.app_id, snaps[0].id,
							  &err));
		}
		if (!plan.struck) {
			assert_true(at > 8); /* pages, index, two syncs, the log, its sync */
			break;
		}
	}
	reopen(&world, dir);
	assert_int_equal(count_whole(&world), have);
	catalog_close(world.cat);
	world_end(&world);
}

static void test_take(void **state)
{
	(void)state;
	for (size_t i = 0; i < sn_countof(faults); i++)
		take_with(&faults[i]);
}

/* A put that has lost pages cannot be committed by one who did not look. */
static void test_lost_pages(void **state)
{
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = open_small(dir);
	sn_auto_free uint8_t *pages = sn_calloc(600, PAGE_BYTES);
	struct catalog_snapshot snap = {.id = 0};
	struct pagemap none = {0};
	struct catalog_put *put;
	struct world world;
	struct sn_err err;
	uint64_t locs[600];

	(void)state;
	for (uint32_t i = 0; i < 600; i++)
		page_fill((uint64_t *)(pages + i * PAGE_BYTES), i + 2);
	assert_done(world_begin(&world, cat, "app", 1, &err));
	assert_done(catalog_put_begin(cat, world.app_id, 0, &put, &err));
	arm(&faults[0], 1);
	assert_int_equal(catalog_put_pages(put, pages, 600, NULL, locs, &err), -1);
	disarm();
	check_error(&err, &faults[0]);
	assert_int_equal(catalog_put_pages(put, pages, 1, NULL, locs, &err), -1);
	assert_text(err, "an earlier write of this snapshot has failed");
	assert_int_equal(catalog_put_commit(put, &snap, NULL, 0, &none, NULL, &err), -1);
	assert_text(err, "an earlier write of its pages has failed");
	assert_int_equal(count_whole(&world), 0);
	assert_int_equal(file_bytes(dir, "packs/1.pages"), 0);
}

/* ---- dropping ---- */

static void drop_with(const struct fault *fault)
{
	test_auto_dir dir = test_dir_make();
	struct world world;
	struct sn_err err;
	size_t have = 0;

	assert_done(world_begin(&world, open_small(dir), "app", 1, &err));
	for (long at = 1; !have || plan.struck; at++) {
		sn_auto_free struct catalog_snapshot *snaps = NULL;
		int r;

		for (; have < 8; have++)
			assert_done(world_take(&world, 10, &err));
		assert_done(catalog_snapshot_list(world.cat, world.app_id, &snaps, &have, &err));
		arm(fault, at);
		r = world_drop(world.cat, world.app_id, snaps[3].id, &err);
		disarm();
		if (r < 0)
			check_error(&err, fault);
		else
			have--;
		assert_int_equal(count_whole(&world), have);
		reopen(&world, dir);
		assert_int_equal(count_whole(&world), have);
	}
	catalog_close(world.cat);
	world_end(&world);
}

static void test_drop(void **state)
{
	(void)state;
	for (size_t i = 0; i < sn_countof(faults); i++)
		drop_with(&faults[i]);
}

/* ---- opening ---- */

static void open_with(const struct fault *fault)
{
	struct sn_err err;

	plan.struck = true;
	for (long at = 1; plan.struck; at++) {
		test_auto_dir dir = test_dir_make();
		struct catalog *cat;
		struct world world;
		int r;

		arm(fault, at);
		r = catalog_open(&cat, dir, &err);
		disarm();
		if (r == 0)
			catalog_close(cat);
		else
			check_error(&err, fault);
		assert_done(catalog_open(&cat, dir, &err));
		assert_done(world_begin(&world, cat, "app", 1, &err));
		assert_done(world_take(&world, 10, &err));
		assert_done(world_verify(cat, world.app_id, 1, &err));
		world_end(&world);
		catalog_close(cat);
	}
}

static void test_open(void **state)
{
	(void)state;
	for (size_t i = 0; i < sn_countof(faults); i++)
		open_with(&faults[i]);
}

/* ---- RLIMIT_FSIZE ---- */

static void test_file_size_limit(void **state)
{
	test_auto_dir dir = test_dir_make();
	test_auto_catalog cat = NULL;
	struct rlimit limit, before;
	struct world world;
	struct sn_err err;
	size_t count, taken = 0;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_done(catalog_open(&cat, dir, &err));
	assert_done(world_begin(&world, cat, "app", 1, &err));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 1500000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	while (world_take(&world, 20, &err) == 0)
		taken++;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_text(err, "File too large");
	assert_int_equal(err.code, EFBIG);
	assert_true(taken > 1);
	assert_done(world_verify_all(cat, world.app_id, &count, &err));
	assert_int_equal(count, taken);
	/* a new pack has room, so the database's log comes up against it */
	limit.rlim_cur = (rlim_t)file_bytes(dir, "catalog.db-wal");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cat->rotate_bytes = PAGE_BYTES;
	assert_int_equal(world_take(&world, 1, &err), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_text(err, "catalog.db");
	assert_done(world_take(&world, 20, &err));
	assert_done(world_verify_all(cat, world.app_id, &count, &err));
	assert_int_equal(count, taken + 1);
	world_end(&world);
	signal(SIGXFSZ, SIG_DFL);
}

/* ---- a full file system ---- */

enum {
	CHILD_FAILED = 1,
	CHILD_MAY_NOT_MOUNT = 2,
};

static int write_text(const char *path, const char *text)
{
	sn_auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

/* Root of a user namespace of its own, where nobody else is. */
static int become_root(void)
{
	sn_auto_free char *users = sn_asprintf("0 %u 1", geteuid());
	sn_auto_free char *groups = sn_asprintf("0 %u 1", getegid());

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
	    write_text("/proc/self/uid_map", users) < 0 ||
	    write_text("/proc/self/setgroups", "deny") < 0)
		return -1;
	return write_text("/proc/self/gid_map", groups);
}

/* A mount that nobody else sees and that ends with this process. */
static int mount_small(const char *dir)
{
	if (unshare(CLONE_NEWNS) < 0 && become_root() < 0)
		return -1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	return mount("tmpfs", dir, "tmpfs", 0, "size=3m");
}

/* Fills it twice, the second time after it was made larger. */
static int fill_up(const char *dir, struct sn_err *err)
{
	test_auto_catalog cat = NULL;
	size_t count, taken = 0;
	struct world world;

	if (catalog_open(&cat, dir, err) < 0 || world_begin(&world, cat, "app", 1, err) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		size_t before = taken;

		while (world_take(&world, 10, err) == 0)
			taken++;
		if (err->code != ENOSPC)
			return sn_ctx(err, "another failure than a full disk");
		for (int again = 0; again < 3; again++)
			if (world_take(&world, 100, err) == 0)
				taken++;
		if (world_verify_all(cat, world.app_id, &count, err) < 0)
			return -1;
		if (count != taken || taken < before + 3)
			return sn_fail(err, "%zu snapshots of %zu", count, taken);
		if (mount("tmpfs", dir, "tmpfs", MS_REMOUNT, "size=6m") < 0)
			return sn_fail_sys(err, "remount");
	}
	world_end(&world);
	return 0;
}

static void test_full_disk(void **state)
{
	test_auto_dir dir = test_dir_make();
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (!pid) {
		struct sn_err err;

		if (mount_small(dir) < 0)
			_exit(CHILD_MAY_NOT_MOUNT);
		if (fill_up(dir, &err) == 0)
			_exit(0);
		fprintf(stderr, "%s\n", err.text);
		_exit(CHILD_FAILED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == CHILD_MAY_NOT_MOUNT) {
		print_message("skipped: a tmpfs cannot be mounted here, "
			      "neither as root nor in a user namespace\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_lost_pages),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_file_size_limit),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, test_group_begin, test_group_end);
}
