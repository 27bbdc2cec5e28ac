/* SPDX-License-Identifier: Apache-2.0 */
/* Packs: how they grow, what is cut, who gets which, and what damage is called. */
#include "catalog/db.h"
#include "catalog/internal.h"
#include "catalog/pack.h"
#include "catalog/test_world.h"

#include <pthread.h>
#include <xxhash.h>

static int64_t number(struct catalog *cat, const char *sql)
{
	sn_auto(db_stmt_end) sqlite3_stmt *stmt = NULL;
	struct sn_err err;

	assert_done(db_query(cat->db, &err, &stmt, sql, ""));
	assert_done(db_step(stmt, &err));
	return sqlite3_column_int64(stmt, 0);
}

/* A catalog with one application, to put pages into. */
struct fixture {
	char *dir;
	struct catalog *cat;
	int64_t app_id;
};

static void fixture_end(struct fixture *fixture)
{
	catalog_close(fixture->cat);
	test_dir_remove(&fixture->dir);
}

#define auto_fixture sn_auto(fixture_end) struct fixture

static struct fixture fixture_make(void)
{
	struct fixture fixture = {.dir = test_dir_make()};
	struct catalog_app app = {.name = "app"};
	struct sn_err err;

	assert_done(catalog_open(&fixture.cat, fixture.dir, &err));
	assert_done(catalog_app_add(fixture.cat, &app, &err));
	fixture.app_id = app.id;
	return fixture;
}

/* `count` pages with the seeds first_seed, first_seed + 1, ... */
static uint64_t *make_pages(size_t count, uint32_t first_seed)
{
	uint64_t *pages = sn_malloc(count * PAGE_BYTES);

	for (size_t i = 0; i < count; i++)
		page_fill(pages + i * (PAGE_BYTES / sizeof(*pages)), first_seed + (uint32_t)i);
	return pages;
}

static int put_pages(struct catalog_put *put, size_t count, uint32_t first_seed, uint64_t *loc,
		     struct sn_err *err)
{
	sn_auto_free uint64_t *pages = make_pages(count, first_seed);
	sn_auto_free uint64_t *locs = sn_malloc(count * sizeof(*locs));

	if (catalog_put_pages(put, pages, count, NULL, locs, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		assert_int_equal(locs[i], locs[0] + i);
	*loc = locs[0];
	return 0;
}

static int commit(struct catalog_put *put, struct sn_err *err)
{
	struct catalog_snapshot snap = {.id = 0};
	struct pagemap none = {0};

	return catalog_put_commit(put, &snap, NULL, 0, &none, NULL, err);
}

/* A whole snapshot of `count` pages; their location. */
static uint64_t store(struct fixture *fixture, size_t count, uint32_t first_seed)
{
	struct catalog_put *put;
	struct sn_err err;
	uint64_t loc = 0;

	assert_done(catalog_put_begin(fixture->cat, fixture->app_id, 0, &put, &err));
	assert_done(put_pages(put, count, first_seed, &loc, &err));
	assert_done(commit(put, &err));
	return loc;
}

static void assert_pages(struct catalog *cat, uint64_t loc, size_t count, uint32_t first_seed)
{
	sn_auto_free uint8_t *pages = sn_malloc(count * PAGE_BYTES);
	sn_auto_free uint64_t *sums = sn_malloc(count * sizeof(*sums));
	struct sn_err err;

	assert_done(catalog_pages_read(cat, loc, count, pages, &err));
	assert_done(catalog_pages_sums(cat, loc, count, sums, &err));
	for (size_t i = 0; i < count; i++) {
		assert_true(page_is(pages + i * PAGE_BYTES, first_seed + (uint32_t)i));
		assert_int_equal(sums[i], XXH3_64bits(pages + i * PAGE_BYTES, PAGE_BYTES));
	}
}

/* ---- growing ---- */

/* Portions around the size of the buffer, one after another in one snapshot. */
static void test_portions(void **state)
{
	static const size_t portions[] = {1,   2,   254, 255,  256, 257, 511,
					  512, 513, 1,   1000, 3,   4097};
	auto_fixture fixture = fixture_make();
	uint64_t locs[sn_countof(portions)];
	struct catalog_put *put;
	struct sn_err err;
	uint32_t seed = 2;

	(void)state;
	assert_done(catalog_put_begin(fixture.cat, fixture.app_id, 0, &put, &err));
	for (size_t i = 0; i < sn_countof(portions); seed += portions[i++])
		assert_done(put_pages(put, portions[i], seed, &locs[i], &err));
	assert_done(commit(put, &err));
	seed = 2;
	for (size_t i = 0; i < sn_countof(portions); seed += portions[i++])
		assert_pages(fixture.cat, locs[i], portions[i], seed);
	/* a run may be read from anywhere in it, across portions too */
	assert_pages(fixture.cat, locs[0] + 100, 3000, 102);
	assert_int_equal(number(fixture.cat, "SELECT 4096 * sum(pages) - sum(bytes) FROM packs"),
			 0);
	assert_int_equal(file_bytes(fixture.dir, "packs/1.pages"),
			 number(fixture.cat, "SELECT bytes FROM packs"));
	assert_int_equal(file_bytes(fixture.dir, "packs/1.index"),
			 number(fixture.cat, "SELECT 16 * pages FROM packs"));
}

static void test_rotation(void **state)
{
	auto_fixture fixture = fixture_make();
	struct catalog_put *put;
	struct sn_err err;
	uint64_t locs[10];

	(void)state;
	fixture.cat->rotate_bytes = 100 * PAGE_BYTES;
	assert_done(catalog_put_begin(fixture.cat, fixture.app_id, 0, &put, &err));
	for (uint32_t i = 0; i < 10; i++)
		assert_done(put_pages(put, 40, 1000 + 40 * i, &locs[i], &err));
	/* 120, 120, 120, 40 pages */
	assert_int_equal(pack_loc_number(locs[2]), 1);
	assert_int_equal(pack_loc_number(locs[3]), 2);
	assert_int_equal(pack_loc_number(locs[9]), 4);
	assert_done(commit(put, &err));
	for (uint32_t i = 0; i < 10; i++)
		assert_pages(fixture.cat, locs[i], 40, 1000 + 40 * i);
	/* the one with room is used on */
	assert_int_equal(pack_loc_number(store(&fixture, 40, 7000)), 4);
	assert_int_equal(pack_loc_number(store(&fixture, 40, 8000)), 4);
	assert_int_equal(pack_loc_number(store(&fixture, 40, 9000)), 5);
	/* a large portion is never split */
	assert_pages(fixture.cat, store(&fixture, 500, 9), 500, 9);
}

/* What a writer that was killed leaves behind. */
static void append_garbage(const struct fixture *fixture, const char *name, size_t len)
{
	sn_auto_free char *path = sn_asprintf("%s/%s", fixture->dir, name);
	sn_auto_fd int fd = open(path, O_WRONLY | O_APPEND);
	char garbage[5000];

	memset(garbage, 0xa5, sizeof(garbage));
	assert_int_equal(write(fd, garbage, len), len);
}

static void test_tail(void **state)
{
	auto_fixture fixture = fixture_make();
	uint64_t first = store(&fixture, 10, 100), second;

	(void)state;
	append_garbage(&fixture, "packs/1.pages", 5000);
	append_garbage(&fixture, "packs/1.index", 33);
	second = store(&fixture, 10, 200);
	assert_int_equal(second, first + 10);
	append_garbage(&fixture, "packs/1.index", 16);
	assert_int_equal(store(&fixture, 10, 300), first + 20);
	append_garbage(&fixture, "packs/1.pages", 1);
	assert_int_equal(store(&fixture, 10, 400), first + 30);
	for (uint32_t i = 0; i < 4; i++)
		assert_pages(fixture.cat, first + 10 * i, 10, 100 * (i + 1));
	assert_int_equal(file_bytes(fixture.dir, "packs/1.pages"), 40 * PAGE_BYTES);
	assert_int_equal(file_bytes(fixture.dir, "packs/1.index"), 40 * 16);
	assert_int_equal(number(fixture.cat, "SELECT cuts FROM packs"), 3);
}

/* Files of a pack whose creator was killed before its row was there. */
static void test_orphan(void **state)
{
	auto_fixture fixture = fixture_make();
	sn_auto_free char *pages = sn_asprintf("%s/packs/1.pages", fixture.dir);
	sn_auto_free char *index = sn_asprintf("%s/packs/1.index", fixture.dir);

	(void)state;
	assert_int_equal(close(open(pages, O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(close(open(index, O_CREAT | O_WRONLY, 0600)), 0);
	append_garbage(&fixture, "packs/1.pages", 5000);
	append_garbage(&fixture, "packs/1.index", 160);
	assert_pages(fixture.cat, store(&fixture, 5, 7), 5, 7);
	assert_int_equal(file_bytes(fixture.dir, "packs/1.pages"), 5 * PAGE_BYTES);
}

static void test_abort(void **state)
{
	auto_fixture fixture = fixture_make();
	struct catalog_put *put;
	struct sn_err err;
	uint64_t loc, first = store(&fixture, 10, 100);

	(void)state;
	assert_done(catalog_put_begin(fixture.cat, fixture.app_id, 0, &put, &err));
	assert_done(put_pages(put, 1000, 5000, &loc, &err));
	catalog_put_abort(put);
	assert_int_equal(file_bytes(fixture.dir, "packs/1.pages"), 10 * PAGE_BYTES);
	assert_int_equal(file_bytes(fixture.dir, "packs/1.index"), 10 * 16);
	assert_int_equal(number(fixture.cat, "SELECT count(*) FROM snapshots"), 1);
	assert_int_equal(store(&fixture, 10, 200), first + 10);
	assert_int_equal(number(fixture.cat, "SELECT cuts FROM packs"), 0);
}

static void test_one_writer_each(void **state)
{
	auto_fixture fixture = fixture_make();
	struct catalog_put *puts[3];
	struct sn_err err;
	uint64_t loc;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		assert_done(catalog_put_begin(fixture.cat, fixture.app_id, 0, &puts[i], &err));
		assert_done(put_pages(puts[i], 10, 10 * i, &loc, &err));
		assert_int_equal(pack_loc_number(loc), i + 1);
	}
	assert_done(commit(puts[1], &err));
	/* the only one that is free */
	assert_int_equal(pack_loc_number(store(&fixture, 1, 1)), 2);
	assert_done(commit(puts[2], &err));
	catalog_put_abort(puts[0]);
	assert_int_equal(number(fixture.cat, "SELECT count(*) FROM packs"), 3);
}

/* ---- moved pages ---- */

/* Makes entry `page` of pack 1 lead to page `there` of pack `number`. */
static void move_entry(const struct fixture *fixture, uint64_t page, uint32_t number,
		       uint64_t there)
{
	sn_auto_free char *path = sn_asprintf("%s/packs/1.index", fixture->dir);
	sn_auto_fd int fd = open(path, O_RDWR | O_CLOEXEC);
	struct pack_entry entry;
	off_t at = (off_t)(page * sizeof(entry));

	assert_int_equal(pread(fd, &entry, sizeof(entry), at), sizeof(entry));
	entry = pack_entry_moved(pack_loc(number, there), pack_entry_sum(&entry));
	assert_int_equal(pwrite(fd, &entry, sizeof(entry), at), sizeof(entry));
}

/* Whoever has written them: a page whose entry says where it is now is read from there. */
static void test_moved(void **state)
{
	auto_fixture fixture = fixture_make();
	sn_auto_free uint8_t *page = sn_malloc(PAGE_BYTES);
	struct sn_err err;
	uint64_t loc, twins;

	(void)state;
	loc = store(&fixture, 20, 100);
	catalog_close(fixture.cat); /* pages stored lately are not looked for by another handle */
	assert_done(catalog_open(&fixture.cat, fixture.dir, &err));
	fixture.cat->rotate_bytes = 20 * PAGE_BYTES;
	twins = store(&fixture, 10, 105);
	assert_int_equal(pack_loc_number(twins), 2);
	for (uint64_t i = 0; i < 10; i += 3)
		move_entry(&fixture, 5 + i, 2, pack_loc_page(twins) + i);
	file_damage(fixture.dir, "packs/1.pages", 5 * PAGE_BYTES + 1); /* nobody looks there */
	assert_pages(fixture.cat, loc, 20, 100);
	/* to another page than it was */
	move_entry(&fixture, 7, 2, pack_loc_page(twins));
	assert_int_equal(catalog_pages_read(fixture.cat, loc + 7, 1, page, &err), -1);
	assert_text(err, "does not match its checksum");
	/* and never twice: this one leads to itself */
	move_entry(&fixture, 8, 1, 8);
	assert_int_equal(catalog_pages_read(fixture.cat, loc + 8, 1, page, &err), -1);
	assert_text(err, "a page has moved twice");
}

/* ---- damage ---- */

static void assert_unreadable(struct catalog *cat, uint64_t loc, size_t count, const char *why)
{
	sn_auto_free uint8_t *pages = sn_malloc(count * PAGE_BYTES);
	struct sn_err err;

	assert_int_equal(catalog_pages_read(cat, loc, count, pages, &err), -1);
	assert_text(err, why);
}

static void test_damaged_page(void **state)
{
	auto_fixture fixture = fixture_make();
	uint64_t loc = store(&fixture, 600, 2);

	(void)state;
	file_damage(fixture.dir, "packs/1.pages", 400 * PAGE_BYTES + 17);
	assert_pages(fixture.cat, loc, 400, 2);
	assert_pages(fixture.cat, loc + 401, 199, 403);
	assert_unreadable(fixture.cat, loc + 400, 1, "page 400 of pack 1 is damaged: "
						     "packs/1.pages, byte 1638400, ");
	assert_unreadable(fixture.cat, loc, 600, "page 400 of pack 1 is damaged");
}

static void test_damaged_index(void **state)
{
	auto_fixture fixture = fixture_make();
	uint64_t loc = store(&fixture, 600, 2);

	(void)state;
	for (off_t byte = 0; byte < 16; byte++) {
		const char *why = byte < 5 ? "packs/1.pages" : byte < 8 ? "packs/1.index, entry 300"
									: "page 300 of pack 1";

		file_damage(fixture.dir, "packs/1.index", 300 * 16 + byte);
		assert_unreadable(fixture.cat, loc + 300, 1, why);
		assert_unreadable(fixture.cat, loc + 290, 20, why);
		assert_pages(fixture.cat, loc, 300, 2);
		assert_pages(fixture.cat, loc + 301, 299, 303);
		file_damage(fixture.dir, "packs/1.index", 300 * 16 + byte); /* mended */
	}
	assert_pages(fixture.cat, loc, 600, 2);
}

/* What is missing of a pack is named, and the pack is not appended to. */
static void test_short_pack(void **state)
{
	auto_fixture fixture = fixture_make();
	sn_auto_free char *pages = sn_asprintf("%s/packs/1.pages", fixture.dir);
	sn_auto_free char *index = sn_asprintf("%s/packs/1.index", fixture.dir);
	uint64_t loc = store(&fixture, 20, 2);

	(void)state;
	assert_int_equal(truncate(pages, 10 * PAGE_BYTES + 5), 0);
	assert_pages(fixture.cat, loc, 10, 2);
	assert_unreadable(fixture.cat, loc + 5, 10, "packs/1.pages ends at byte 40965");
	assert_int_equal(pack_loc_number(store(&fixture, 3, 3010)), 2);

	assert_int_equal(truncate(index, 7 * 16), 0);
	assert_unreadable(fixture.cat, loc + 5, 5, "packs/1.index ends at byte 112");
	assert_int_equal(pack_loc_number(store(&fixture, 3, 3020)), 2);
}

static void test_missing_pack(void **state)
{
	auto_fixture fixture = fixture_make();
	sn_auto_free char *pages = sn_asprintf("%s/packs/1.pages", fixture.dir);
	uint64_t loc = store(&fixture, 20, 2);

	(void)state;
	assert_int_equal(unlink(pages), 0);
	assert_unreadable(fixture.cat, loc, 1, "packs/1.pages is not there");
	assert_int_equal(pack_loc_number(store(&fixture, 3, 3030)), 2);
}

static void test_no_location(void **state)
{
	auto_fixture fixture = fixture_make();
	uint64_t loc = store(&fixture, 20, 2);

	(void)state;
	assert_unreadable(fixture.cat, PAGE_LOC_ZERO, 1, "location 0 names none");
	assert_unreadable(fixture.cat, UINT64_MAX - 1, 1, "names none");
	assert_unreadable(fixture.cat, pack_loc(1, PACK_BYTES_MAX - 1), 2, "names none");
	assert_unreadable(fixture.cat, pack_loc(99, 0), 1, "packs/99.index");
	assert_unreadable(fixture.cat, loc + 20, 1, "packs/1.index ends at byte 320");
}

/* ---- threads ---- */

enum {
	PACKS = PACK_READERS_MAX + 20,
	PAGES_EACH = 5,
	THREADS = 8,
	READS = 3000,
};

struct reading {
	struct catalog *cat;
	const uint64_t *locs;
	struct rng rng;
	int failures;
};

static void *read_at_random(void *arg)
{
	struct reading *reading = arg;
	uint64_t pages[PAGES_EACH * PAGE_BYTES / sizeof(uint64_t)];
	struct sn_err err;

	for (int i = 0; i < READS; i++) {
		uint32_t pack = (uint32_t)rng_below(&reading->rng, PACKS);
		uint32_t skip = (uint32_t)rng_below(&reading->rng, PAGES_EACH);
		size_t count = 1 + rng_below(&reading->rng, PAGES_EACH - skip);

		reading->failures += catalog_pages_read(reading->cat, reading->locs[pack] + skip,
							count, pages, &err) < 0 ||
				     !page_is(pages, 10 * pack + skip + 2);
	}
	return NULL;
}

static void test_threads(void **state)
{
	auto_fixture fixture = fixture_make();
	struct reading readings[THREADS];
	pthread_t threads[THREADS];
	struct catalog_put *put;
	uint64_t locs[PACKS];
	struct sn_err err;

	(void)state;
	fixture.cat->rotate_bytes = PAGE_BYTES;
	assert_done(catalog_put_begin(fixture.cat, fixture.app_id, 0, &put, &err));
	for (uint32_t i = 0; i < PACKS; i++)
		assert_done(put_pages(put, PAGES_EACH, 10 * i + 2, &locs[i], &err));
	assert_done(commit(put, &err));
	for (size_t i = 0; i < THREADS; i++) {
		readings[i] = (struct reading){fixture.cat, locs, {i + 1}, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, read_at_random, &readings[i]),
				 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(readings[i].failures, 0);
	}
	for (size_t i = 0; i < PACK_READERS_MAX; i++)
		assert_int_equal(fixture.cat->readers.slots[i].users, 0);
}

/* Equal pages of one call are stored once, and go on being found by their contents. */
static void test_twins(void **state)
{
	enum { PAGES = 600, KINDS = 3, WORDS = PAGE_BYTES / sizeof(uint64_t) };
	auto_fixture fixture = fixture_make();
	sn_auto_free uint64_t *pages = sn_malloc(PAGES * (size_t)PAGE_BYTES);
	uint64_t locs[PAGES], page[WORDS];
	struct catalog_put *put;
	struct sn_err err;

	(void)state;
	for (uint32_t i = 0; i < PAGES; i++)
		page_fill(pages + i * WORDS, i % 2 ? i + 1000 : 2 + i % KINDS);
	assert_done(catalog_put_begin(fixture.cat, fixture.app_id, 0, &put, &err));
	assert_done(catalog_put_pages(put, pages, PAGES, NULL, locs, &err));
	assert_done(commit(put, &err));
	for (uint32_t i = 0; i < PAGES; i++) {
		assert_done(catalog_pages_read(fixture.cat, locs[i], 1, page, &err));
		assert_true(page_is(page, i % 2 ? i + 1000 : 2 + i % KINDS));
	}
	/* three portions of at most 256 pages, each with its own first of a kind */
	assert_in_range(file_bytes(fixture.dir, "packs/1.index") / 16, PAGES / 2 + KINDS,
			PAGES / 2 + 3 * KINDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_portions),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_tail),
		cmocka_unit_test(test_orphan),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_one_writer_each),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_damaged_page),
		cmocka_unit_test(test_damaged_index),
		cmocka_unit_test(test_short_pack),
		cmocka_unit_test(test_missing_pack),
		cmocka_unit_test(test_no_location),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_twins),
	};

	return cmocka_run_group_tests(tests, test_group_begin, test_group_end);
}
