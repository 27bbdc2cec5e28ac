/* SPDX-License-Identifier: Apache-2.0 */
// cflags: -O2 catalog/apps.c catalog/db.c catalog/images.c catalog/mapcode.c catalog/maps.c
// cflags: catalog/encode.c catalog/lately.c catalog/lease.c catalog/open.c catalog/pack.c
// cflags: catalog/packs.c catalog/put.c catalog/read.c catalog/readers.c
// cflags: catalog/schema.c catalog/snapshots.c catalog/watch.c core/base/err.c
// cflags: core/base/interrupt.c core/base/pagemap.c -lsqlite3 -llz4 -lxxhash
/*
 * The catalog's speed beside that of the machine it runs on: storing and reading 1 GiB
 * of pages, and the page map of the last of 10,000 snapshots (`catalog_bench maps`: only that).
 * Prints; never fails a build. The directory is made under $TMPDIR and removed.
 */
#include "catalog/internal.h"
#include "core/base/guard.h"
#include "core/base/mem.h"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

enum {
	MIB = 1 << 20,
	SOURCE_BYTES = 256 * MIB, /* handed in four times */
	SOURCE_PAGES = SOURCE_BYTES / PAGE_BYTES,
	TIMES = 4,
	ROUNDS = 3,

	CHAIN = 10000,
	CHAIN_PAGES = 1 << 18, /* 1 GiB resident */
	CHAIN_CHANGED = 600,
};

#define ALL_BYTES ((double)SOURCE_BYTES * TIMES)

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The best round says what the program does, the others what else the machine did. */
struct best {
	double seconds; /* 0: none yet */
};

static void best_add(struct best *best, double seconds)
{
	if (!best->seconds || seconds < best->seconds)
		best->seconds = seconds;
}

static void best_print(const struct best *best, const char *what, double bytes)
{
	printf("%-58s %9.2f ms %7.2f GB/s %7.2f us/page\n", what, best->seconds * 1e3,
	       bytes / best->seconds / 1e9, best->seconds / (bytes / PAGE_BYTES) * 1e6);
	fflush(stdout);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 11;
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* What is measured, and with what. */
struct bench {
	char *dir;
	struct catalog *cat;
	struct catalog_app app;
	uint8_t *source; /* SOURCE_BYTES */
	uint64_t locs[TIMES];
	struct sn_err err;
};

/* ---- the machine ---- */

static void bench_machine(struct bench *bench)
{
	sn_auto_free char *path = sn_asprintf("%s/plain", bench->dir);
	sn_auto_free uint8_t *copy = sn_malloc(SOURCE_BYTES);
	struct best copied = {0}, cached = {0}, synced = {0};

	memset(copy, 1, SOURCE_BYTES);
	for (int round = 0; round < ROUNDS; round++) {
		sn_auto_fd int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		double start = now_s();

		for (int i = 0; i < TIMES; i++)
			memcpy(copy, bench->source, SOURCE_BYTES);
		best_add(&copied, now_s() - start);
		start = now_s();
		for (size_t at = 0; at < (size_t)SOURCE_BYTES * TIMES; at += MIB)
			if (write(fd, bench->source + at % SOURCE_BYTES, MIB) != MIB)
				return;
		best_add(&cached, now_s() - start);
		fdatasync(fd);
		best_add(&synced, now_s() - start);
	}
	best_print(&copied, "memcpy of 1 GiB", ALL_BYTES);
	best_print(&cached, "write of 1 GiB in 1 MiB pieces, page cache only", ALL_BYTES);
	best_print(&synced, "  and with fdatasync", ALL_BYTES);
	unlink(path);
}

/* ---- storing ---- */

/* Makes every page of the source another one. */
static void mark(struct bench *bench, uint64_t number)
{
	for (size_t page = 0; page < SOURCE_PAGES; page++)
		memcpy(bench->source + page * PAGE_BYTES, &number, sizeof(number));
}

/* One snapshot of 1 GiB in portions of `portion` pages. */
static int store(struct bench *bench, size_t portion, double *appended_s)
{
	struct catalog_snapshot snap = {.id = 0};
	struct catalog_put *put;
	struct pagemap map = {0};
	double start = now_s();

	if (catalog_put_begin(bench->cat, bench->app.id, 0, &put, &bench->err) < 0)
		return -1;
	for (size_t i = 0; i < TIMES; mark(bench, ++i))
		for (size_t page = 0; page < SOURCE_PAGES; page += portion) {
			uint64_t locs[SOURCE_PAGES];

			if (catalog_put_pages(put, bench->source + page * PAGE_BYTES, portion, NULL,
					      locs, &bench->err) < 0) {
				catalog_put_abort(put);
				return -1;
			}
			if (!page)
				bench->locs[i] = locs[0];
		}
	*appended_s = now_s() - start;
	return catalog_put_commit(put, &snap, NULL, 0, &map, NULL, &bench->err);
}

/* An empty catalog; what was in it leaves warm memory to the page cache. */
static int begin_anew(struct bench *bench)
{
	catalog_close(bench->cat);
	bench->cat = NULL;
	nftw(bench->dir, visit, 16, FTW_DEPTH | FTW_PHYS);
	if (catalog_open(&bench->cat, bench->dir, &bench->err) < 0)
		return -1;
	return catalog_app_add(bench->cat, &bench->app, &bench->err);
}

static int bench_store(struct bench *bench)
{
	static const size_t portions[] = {1, 8, 256, 4096};

	for (size_t i = 0; i < sn_countof(portions); i++) {
		struct best appended = {0}, all = {0};
		char what[80];

		for (int round = 0; round < ROUNDS; round++) {
			double start, appended_s;

			if (begin_anew(bench) < 0)
				return -1;
			start = now_s();
			if (store(bench, portions[i], &appended_s) < 0)
				return -1;
			best_add(&appended, appended_s);
			best_add(&all, now_s() - start);
		}
		snprintf(what, sizeof(what), "store 1 GiB in portions of %zu pages, appending",
			 portions[i]);
		best_print(&appended, what, ALL_BYTES);
		best_print(&all, "  and with the commit", ALL_BYTES);
	}
	return 0;
}

/* ---- reading ---- */

/* 1 GiB in portions; `step` is the distance of portions that are read one after another. */
static int read_all(struct bench *bench, size_t portion, size_t step, size_t first, uint8_t *to)
{
	struct sn_err err;

	for (size_t i = 0; i < TIMES; i++)
		for (size_t j = 0, page = first; j < SOURCE_PAGES / portion; j++) {
			if (catalog_pages_read(bench->cat, bench->locs[i] + page, portion, to,
					       &err) < 0)
				return -1;
			page = (page + step) % SOURCE_PAGES;
		}
	return 0;
}

struct reading {
	struct bench *bench;
	size_t first;
};

static void *read_thread(void *arg)
{
	struct reading *reading = arg;
	sn_auto_free uint8_t *to = sn_malloc(MIB);

	read_all(reading->bench, 256, 256, reading->first, to);
	return NULL;
}

static int bench_read(struct bench *bench)
{
	sn_auto_free uint8_t *to = sn_malloc(MIB);
	struct reading readings[2] = {{bench, 0}, {bench, SOURCE_PAGES / 2}};
	struct best runs = {0}, single = {0}, both = {0};
	pthread_t threads[2];

	for (int round = 0; round < ROUNDS; round++) {
		double start = now_s();

		if (read_all(bench, 256, 256, 0, to) < 0)
			return -1;
		best_add(&runs, now_s() - start);
		start = now_s();
		if (read_all(bench, 1, 40503, 0, to) < 0)
			return -1;
		best_add(&single, now_s() - start);
		start = now_s();
		for (int i = 0; i < 2; i++)
			pthread_create(&threads[i], NULL, read_thread, &readings[i]);
		for (int i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
		best_add(&both, now_s() - start);
	}
	best_print(&runs, "read 1 GiB in runs of 256 pages, hot, verified", ALL_BYTES);
	best_print(&single, "read 1 GiB in single pages, scattered, hot, verified", ALL_BYTES);
	best_print(&both, "read 2 GiB in runs of 256 pages on two threads", 2 * ALL_BYTES);
	return 0;
}

/* ---- maps ---- */

/* 600 scattered pages get the locations next_loc, next_loc + 1, ... in the order of their keys. */
static void change_map(struct pagemap *map, uint64_t *next_loc, uint64_t *random)
{
	struct pagemap changed = {0}, out = {0};
	uint64_t key = 0, slice = CHAIN_PAGES / CHAIN_CHANGED;

	for (int i = 0; i < CHAIN_CHANGED; i++, key += slice)
		pagemap_append(&changed, key + next_random(random) % slice, 1, (*next_loc)++);
	pagemap_overlay(&out, map, &changed);
	pagemap_release(map);
	pagemap_release(&changed);
	*map = out;
}

static int commit_map(struct bench *bench, int64_t parent, const struct pagemap *map,
		      const struct pagemap *parent_map, double *seconds)
{
	struct catalog_snapshot snap = {.parent = parent};
	struct catalog_put *put;
	double start;

	if (catalog_put_begin(bench->cat, bench->app.id, 0, &put, &bench->err) < 0)
		return -1;
	start = now_s();
	if (catalog_put_commit(put, &snap, NULL, 0, map, parent_map, &bench->err) < 0)
		return -1;
	*seconds += now_s() - start;
	return 0;
}

static int64_t sql_number(struct bench *bench, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t number = 0;

	sqlite3_prepare_v2(bench->cat->db, sql, -1, &stmt, NULL);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		number = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return number;
}

static int time_loads(struct bench *bench, int64_t last)
{
	struct pagemap map = {0};
	double sum = 0, worst = 0;

	for (int64_t id = last - 63; id <= last; id++) {
		double best = 1e9;

		for (int round = 0; round < ROUNDS; round++) {
			double start = now_s();

			if (catalog_map_load(bench->cat, bench->app.id, id, &map, &bench->err) < 0)
				return -1;
			if (now_s() - start < best)
				best = now_s() - start;
		}
		sum += best;
		worst = best > worst ? best : worst;
	}
	printf("%-58s %9.2f ms mean, %.2f ms worst, %zu runs\n",
	       "map of the last 64 of 10,000 snapshots", sum / 64 * 1e3, worst * 1e3, map.len);
	pagemap_release(&map);
	return 0;
}

static int bench_maps(struct bench *bench)
{
	struct pagemap map = {0}, before = {0};
	uint64_t random = 88172645463325252, next_loc = UINT64_C(1) << 40;
	int64_t last = sql_number(bench, "SELECT max(id) FROM snapshots");
	double commits = 0;
	int r = 0;

	/* the disk's syncs are measured above */
	sqlite3_exec(bench->cat->db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
	pagemap_append(&map, 0, CHAIN_PAGES, next_loc);
	next_loc += CHAIN_PAGES;
	r = commit_map(bench, last, &map, NULL, &commits);
	commits = 0;
	for (int i = 1; i < CHAIN && r == 0; i++) {
		pagemap_copy(&before, &map);
		change_map(&map, &next_loc, &random);
		r = commit_map(bench, last + i, &map, &before, &commits);
	}
	printf("%-58s %9.2f ms each, without syncs\n",
	       "commit of a snapshot with 600 changed pages", commits / CHAIN * 1e3);
	printf("%-58s %9.2f bytes a changed page, %.2f with full maps\n", "stored page maps",
	       (double)sql_number(bench, "SELECT avg(length(bytes)) FROM maps WHERE depth = 20") /
		       CHAIN_CHANGED,
	       (double)sql_number(bench, "SELECT sum(length(bytes)) FROM maps") / CHAIN /
		       CHAIN_CHANGED);
	if (r == 0)
		r = time_loads(bench, last + CHAIN);
	pagemap_release(&map);
	pagemap_release(&before);
	return r;
}

/* ---- all of it ---- */

static int bench_run(struct bench *bench, bool maps_only)
{
	if (maps_only)
		return begin_anew(bench) < 0 ? -1 : bench_maps(bench);
	bench_machine(bench);
	if (bench_store(bench) < 0 || bench_read(bench) < 0)
		return -1;
	return bench_maps(bench);
}

int main(int argc, char **argv)
{
	bool maps_only = argc > 1 && strcmp(argv[1], "maps") == 0;
	const char *tmp = getenv("TMPDIR");
	struct bench bench = {.app = {.name = "bench"}};
	uint64_t random = 4711;

	bench.dir = sn_asprintf("%s/snapsh-bench-XXXXXX", tmp ? tmp : "/tmp");
	bench.source = sn_malloc(SOURCE_BYTES);
	for (size_t i = 0; i < SOURCE_BYTES / sizeof(random); i++)
		((uint64_t *)bench.source)[i] = next_random(&random);
	if (!mkdtemp(bench.dir) || bench_run(&bench, maps_only) < 0)
		printf("catalog_bench: %s\n", bench.err.text);
	catalog_close(bench.cat);
	nftw(bench.dir, visit, 16, FTW_DEPTH | FTW_PHYS);
	free(bench.source);
	free(bench.dir);
	return 0;
}
