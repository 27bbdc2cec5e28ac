/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power loss. Every call that changes a file is recorded while snapshots are taken and
 * dropped. Then the directory is made anew as it might be found had the power failed
 * at some moment: what was brought to the disk is there; of what was not, each sector
 * of a write, each change of a length, each name of a new, renamed or removed file may be there
 * or not. What had been reported by then must be there and whole, and nothing else seen.
 */
#include "catalog/db.h"
#include "catalog/internal.h"
#include "catalog/test_io.h"
#include "catalog/test_world.h"

#include <dirent.h>
#include <limits.h>

enum {
	STEPS = 60,
	LOSSES = 200,
	SECTOR_BYTES = 512,
	OPS_MAX = 20000,
	FILES_MAX = 2000,
};

enum op_what {
	OP_WRITE,
	OP_TRUNCATE,
	OP_SYNC,
	OP_SYNC_DIR, /* of the directory named so */
	OP_TAKEN,    /* reported: snapshot `id` */
	OP_DROPPING, /* about to be dropped */
	OP_DROPPED,  /* reported */
};

struct op {
	enum op_what what;
	int file; /* index of files */
	char dir[16];
	uint8_t *bytes;
	size_t len;
	off_t offset;
	int64_t id;
};

/* One file; a name that is made again is another one. */
struct file {
	char name[64];   /* below the catalog's directory */
	char was[64];    /* before it was renamed at op `renamed`; INT_MAX: it was not */
	int renamed;
	int taker;       /* the file that took its name, -1: none did */
	int made, gone;  /* at which op; -1: before the first, INT_MAX: never */
	uint8_t *bytes;  /* at the start, when made is -1 */
	size_t len;
};

struct record {
	char *dir; /* resolved */
	struct op *ops;
	int op_count;
	struct file files[FILES_MAX];
	int file_count;
};

/* See test_io.h for why this is a variable. */
static struct {
	struct record *record;
} recorder;

/* ---- recording ---- */

static struct op *add_op(struct record *record, enum op_what what)
{
	struct op *op = &record->ops[record->op_count++];

	assert_true(record->op_count <= OPS_MAX);
	*op = (struct op){.what = what, .file = -1};
	return op;
}

/* The name below the catalog's directory, or NULL for what is not in it, or is of
 * no use after a loss: the shared index of the log. */
static const char *name_below(const struct record *record, const char *path)
{
	size_t len = strlen(record->dir);

	if (strncmp(path, record->dir, len) != 0)
		return NULL;
	path += len;
	if (*path == '/')
		path++;
	return strstr(path, "-shm") || strstr(path, " (deleted)") ? NULL : path;
}

static bool path_of(int fd, char *path, size_t size)
{
	char link[32];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, size - 1);
	if (len < 0)
		return false;
	path[len] = '\0';
	return true;
}

/* The file that has the name now. */
static int find_file(const struct record *record, const char *name)
{
	for (int i = record->file_count - 1; i >= 0; i--)
		if (!strcmp(record->files[i].name, name) && record->files[i].gone == INT_MAX)
			return i;
	fail_msg("%s was never made", name);
	return -1;
}

static void add_file(struct record *record, const char *name)
{
	struct file *file = &record->files[record->file_count++];

	assert_true(record->file_count <= FILES_MAX);
	*file = (struct file){
		.made = record->op_count,
		.gone = INT_MAX,
		.renamed = INT_MAX,
		.taker = -1,
	};
	snprintf(file->name, sizeof(file->name), "%s", name);
}

/* "packs/3.index.new" becomes "packs/3.index", in the place of what has that name. */
static void note_rename(struct record *record, const char *name)
{
	int from = find_file(record, name), to;
	struct file *file = &record->files[from];

	snprintf(file->was, sizeof(file->was), "%s", name);
	file->name[strlen(name) - strlen(".new")] = '\0';
	file->gone = record->op_count; /* so that it does not find itself */
	to = find_file(record, file->name);
	record->files[to].gone = record->op_count;
	record->files[to].taker = from;
	file->gone = INT_MAX;
	file->renamed = record->op_count;
}

static void note_name(struct record *record, const struct io_call *call)
{
	char path[4096] = "";
	const char *name;

	if (call->path[0] != '/' && path_of(call->fd, path, sizeof(path) / 2))
		strcat(path, "/");
	strncat(path, call->path, sizeof(path) / 2 - 1);
	name = name_below(record, path);
	if (!name)
		return;
	if (call->what == IO_CREATE)
		add_file(record, name);
	else if (call->what == IO_RENAME)
		note_rename(record, name);
	else if (faccessat(call->fd, call->path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		record->files[find_file(record, name)].gone = record->op_count;
}

static void note_change(struct record *record, const struct io_call *call)
{
	char path[4096];
	const char *name;
	struct stat st;
	struct op *op;

	if (!path_of(call->fd, path, sizeof(path)) || fstat(call->fd, &st) < 0)
		return;
	name = name_below(record, path);
	if (!name)
		return;
	if (S_ISDIR(st.st_mode)) {
		op = add_op(record, OP_SYNC_DIR);
		snprintf(op->dir, sizeof(op->dir), "%s", name);
		return;
	}
	op = add_op(record, call->what == IO_WRITE ? OP_WRITE
			    : call->what == IO_SYNC ? OP_SYNC : OP_TRUNCATE);
	op->file = find_file(record, name);
	op->offset = call->offset;
	op->len = call->len;
	if (call->what == IO_WRITE)
		op->bytes = memcpy(sn_malloc(call->len), call->bytes, call->len);
}

static int note(const struct io_call *call)
{
	if (call->what == IO_CREATE || call->what == IO_UNLINK || call->what == IO_RENAME)
		note_name(recorder.record, call);
	else
		note_change(recorder.record, call);
	return 0;
}

/* Takes over what is there, all of it on the disk. */
static void read_files(struct record *record, const char *sub)
{
	sn_auto_free char *path = sn_asprintf("%s/%s", record->dir, sub);
	sn_auto_dir DIR *dir = opendir(path);

	for (struct dirent *entry; (entry = readdir(dir));) {
		sn_auto_free char *name = sn_asprintf("%s%s", sub, entry->d_name);
		sn_auto_fd int fd = -1;
		struct file *file;

		if (entry->d_type != DT_REG || strstr(name, "-shm"))
			continue;
		add_file(record, name);
		file = &record->files[record->file_count - 1];
		file->made = -1;
		file->len = (size_t)file_bytes(record->dir, name);
		file->bytes = sn_malloc(file->len);
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
		assert_int_equal(read(fd, file->bytes, file->len), file->len);
	}
}

static void record_end(struct record *record)
{
	for (int i = 0; i < record->op_count; i++)
		free(record->ops[i].bytes);
	for (int i = 0; i < record->file_count; i++)
		free(record->files[i].bytes);
	free(record->ops);
}

static struct catalog *open_small(const char *dir)
{
	struct catalog *cat;
	struct sn_err err;

	assert_done(catalog_open(&cat, dir, &err));
	cat->rotate_bytes = 100 * PAGE_BYTES;
	assert_done(db_exec(cat->db, "PRAGMA wal_autocheckpoint = 40", &err));
	return cat;
}

static void drop_one(struct record *record, struct world *world)
{
	sn_auto_free struct catalog_snapshot *snaps = NULL;
	struct sn_err err;
	size_t count;
	int64_t id;

	assert_done(catalog_snapshot_list(world->cat, world->app_id, &snaps, &count, &err));
	if (count < 4)
		return;
	id = snaps[rng_below(&world->rng, count - 1)].id;
	add_op(record, OP_DROPPING)->id = id;
	assert_done(world_drop(world->cat, world->app_id, id, &err));
	add_op(record, OP_DROPPED)->id = id;
}

/* What is lost later: takes, drops, takes given up, collections, the catalog closed and opened. */
static void make_history(struct record *record, struct world *world)
{
	struct catalog_collected collected;
	struct catalog_put *put;
	uint64_t moved = 0;
	struct sn_err err;

	for (int step = 0; step < STEPS; step++) {
		uint64_t what = rng_below(&world->rng, 10);

		if (what < 6) {
			assert_done(world_take(world, 1 + rng_below(&world->rng, 12), &err));
			add_op(record, OP_TAKEN)->id = world->last.id;
		} else if (what < 8) {
			drop_one(record, world);
		} else if (what < 9) {
			assert_done(catalog_put_begin(world->cat, world->app_id, 0, &put, &err));
			catalog_put_abort(put);
			assert_done(catalog_gc(world->cat, step % 2, &collected, &err));
			moved += collected.moved_pages;
		} else {
			catalog_close(world->cat);
			world->cat = open_small(record->dir);
		}
	}
	assert_true(moved > 0);
}

/* ---- losing ---- */

/* Whether what was not brought to the disk got there all the same. */
struct luck {
	struct rng rng;
	unsigned int percent;
};

static bool lucky(struct luck *luck)
{
	return rng_below(&luck->rng, 100) < luck->percent;
}

/* A file's contents while they are put together. */
struct contents {
	uint8_t *bytes;
	size_t len;
};

static void resize(struct contents *contents, size_t len)
{
	contents->bytes = sn_realloc(contents->bytes, len + 1, 1);
	if (len > contents->len)
		memset(contents->bytes + contents->len, 0, len - contents->len);
	contents->len = len;
}

static void redo_write(struct contents *contents, const struct op *op, bool synced,
		       struct luck *luck)
{
	for (size_t at = 0; at < op->len;) {
		size_t from = (size_t)op->offset + at;
		size_t len = SECTOR_BYTES - from % SECTOR_BYTES;

		if (len > op->len - at)
			len = op->len - at;
		if (synced || lucky(luck)) {
			if (from + len > contents->len)
				resize(contents, from + len);
			memcpy(contents->bytes + from, op->bytes + at, len);
		}
		at += len;
	}
}

/* The contents of a file when the power fails before op `end`. */
static struct contents lose_contents(const struct record *record, int file, int end,
				     struct luck *luck)
{
	struct contents contents = {.len = 0};
	int synced = -1;

	resize(&contents, record->files[file].len);
	if (contents.len)
		memcpy(contents.bytes, record->files[file].bytes, contents.len);
	for (int i = 0; i < end; i++)
		if (record->ops[i].file == file && record->ops[i].what == OP_SYNC)
			synced = i;
	for (int i = 0; i < end; i++) {
		const struct op *op = &record->ops[i];

		if (op->file != file)
			continue;
		if (op->what == OP_WRITE)
			redo_write(&contents, op, i < synced, luck);
		else if (op->what == OP_TRUNCATE && (i < synced || lucky(luck)))
			resize(&contents, (size_t)op->offset);
	}
	return contents;
}

/* Whether a change of names at op `at` is on the disk before op `end`. */
static bool name_kept(const struct record *record, const char *name, int at, int end,
		      struct luck *luck)
{
	const char *slash = strchr(name, '/');
	size_t len = slash ? (size_t)(slash - name) : 0;

	if (at < 0)
		return true;
	for (int i = at; i < end; i++) {
		const struct op *op = &record->ops[i];

		if (op->what == OP_SYNC_DIR && strlen(op->dir) == len &&
		    !strncmp(op->dir, name, len))
			return true;
	}
	return lucky(luck);
}

/* The name that a file has after the loss; NULL: none. */
static const char *lose_name(const struct record *record, int index, const bool *renamed, int end,
			     struct luck *luck)
{
	const struct file *file = &record->files[index];

	if (file->made >= end)
		return NULL;
	/* a rename is whole or not there */
	if (file->taker >= 0 && file->gone < end && renamed[file->taker])
		return NULL;
	if (file->taker < 0 && file->gone < end &&
	    name_kept(record, file->name, file->gone, end, luck))
		return NULL;
	if (renamed[index])
		return file->name;
	if (!name_kept(record, file->name, file->made, end, luck))
		return NULL;
	return file->renamed == INT_MAX ? file->name : file->was;
}

/* Makes the directory as it is found after the loss. */
static void lose(const struct record *record, int end, struct luck *luck, const char *dir)
{
	sn_auto_free char *packs = sn_asprintf("%s/packs", dir);
	bool renamed[FILES_MAX] = {false};

	assert_int_equal(mkdir(packs, 0700), 0);
	for (int i = 0; i < record->file_count; i++)
		renamed[i] = record->files[i].renamed < end &&
			     name_kept(record, record->files[i].name, record->files[i].renamed,
				       end, luck);
	for (int i = 0; i < record->file_count; i++) {
		const char *name = lose_name(record, i, renamed, end, luck);
		sn_auto_free char *path = sn_asprintf("%s/%s", dir, name ? name : "");
		sn_auto_fd int fd = -1;
		struct contents contents;

		if (!name)
			continue;
		contents = lose_contents(record, i, end, luck);
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		assert_int_equal(write(fd, contents.bytes, contents.len), contents.len);
		free(contents.bytes);
	}
}

/* ---- looking ---- */

enum fate {
	UNKNOWN, /* not yet reported: may be there or not */
	THERE,
	MAY_GO, /* its drop was under way */
	GONE,
};

static void check(const struct record *record, int end, int64_t app_id, int64_t first,
		  const char *dir)
{
	sn_auto_free struct catalog_snapshot *snaps = NULL;
	test_auto_catalog cat = NULL;
	enum fate fates[STEPS + 16] = {UNKNOWN};
	struct catalog_collected collected;
	size_t count, strays = 0, at = 0;
	struct sn_err err;

	for (int64_t id = 1; id <= first; id++)
		fates[id] = THERE;
	for (int i = 0; i < end; i++) {
		const struct op *op = &record->ops[i];

		if (op->what == OP_TAKEN)
			fates[op->id] = THERE;
		else if (op->what == OP_DROPPING)
			fates[op->id] = MAY_GO;
		else if (op->what == OP_DROPPED)
			fates[op->id] = GONE;
	}
	assert_done(catalog_open(&cat, dir, &err));
	assert_done(catalog_snapshot_list(cat, app_id, &snaps, &count, &err));
	for (int64_t id = 1; id < (int64_t)sn_countof(fates); id++) {
		bool seen = at < count && snaps[at].id == id;

		if (seen)
			at++;
		if (fates[id] == THERE && !seen)
			fail_msg("loss before call %d: snapshot %lld is lost", end, (long long)id);
		if (fates[id] == GONE && seen)
			fail_msg("loss before call %d: snapshot %lld is back", end, (long long)id);
		strays += fates[id] == UNKNOWN && seen;
		if (seen && world_verify(cat, app_id, id, &err) < 0)
			fail_msg("loss before call %d: %s", end, err.text);
	}
	assert_true(strays <= 1);
	/* what a gc was doing the next one finishes */
	assert_done(catalog_gc(cat, false, &collected, &err));
	for (size_t i = 0; i < count; i++)
		if (world_verify(cat, app_id, snaps[i].id, &err) < 0)
			fail_msg("loss before call %d, then gc: %s", end, err.text);
}

static void test_power_loss(void **state)
{
	test_auto_dir dir = test_dir_make();
	sn_auto_free char *real = realpath(dir, NULL);
	sn_auto(record_end) struct record record = {.dir = real};
	struct luck luck = {.rng = {2024}};
	struct world world;
	struct sn_err err;
	int64_t first;

	(void)state;
	record.ops = sn_calloc(OPS_MAX, sizeof(*record.ops));
	assert_done(world_begin(&world, open_small(real), "app", 77, &err));
	for (int i = 0; i < 5; i++)
		assert_done(world_take(&world, 20, &err));
	first = world.last.id;
	catalog_close(world.cat);
	read_files(&record, "");
	read_files(&record, "packs/");

	recorder.record = &record;
	io_hook = note;
	world.cat = open_small(real);
	make_history(&record, &world);
	catalog_close(world.cat);
	io_hook = NULL;
	assert_true(record.op_count > 20 * STEPS);

	for (int i = 0; i < LOSSES; i++) {
		static const unsigned int percents[] = {0, 50, 90, 100};
		test_auto_dir lost = test_dir_make();
		int end = (int)rng_below(&luck.rng, (uint64_t)record.op_count + 1);

		luck.percent = percents[i % sn_countof(percents)];
		lose(&record, end, &luck, lost);
		check(&record, end, world.app_id, first, lost);
	}
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_power_loss),
	};

	return cmocka_run_group_tests(tests, test_group_begin, test_group_end);
}
