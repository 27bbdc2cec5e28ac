/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of catalog/: a directory that goes away, and a make-believe
 * application whose snapshots say themselves what must be in them.
 *
 * A world is SLOTS pages; a slot holds a seed: 0 no page, 1 a page of zeros, else
 * the seed of its contents. A snapshot's image is the array of seeds, so any
 * process can verify any snapshot without knowing who took it.
 */
#ifndef CATALOG_TEST_WORLD_H
#define CATALOG_TEST_WORLD_H

#include "catalog/catalog.h"
#include "core/base/guard.h"
#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

enum {
	SLOTS = 300,
	SEED_ABSENT = 0,
	SEED_ZERO = 1,
};

/* Fails the test with the error's text. */
#define assert_done(call)                                                    \
	do {                                                                 \
		if ((call) < 0)                                              \
			fail_msg("%s:%d: %s", __FILE__, __LINE__, err.text); \
	} while (0)

#define assert_text(err, part)                                                          \
	do {                                                                            \
		if (!strstr((err).text, part))                                          \
			fail_msg("%s:%d: \"%s\" says nothing of \"%s\"", __FILE__, __LINE__, \
				 (err).text, part);                                     \
		assert_null(strchr((err).text, '\n'));                                  \
	} while (0)

/* ---- chance ---- */

struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *rng)
{
	rng->state ^= rng->state << 13;
	rng->state ^= rng->state >> 7;
	rng->state ^= rng->state << 17;
	return rng->state;
}

static inline uint64_t rng_below(struct rng *rng, uint64_t bound)
{
	return (rng_next(rng) >> 11) % bound;
}

/* ---- a directory that goes away ---- */

static inline char *test_dir_make(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = sn_asprintf("%s/snapsh-catalog-XXXXXX", tmp ? tmp : "/tmp");

	if (!mkdtemp(dir))
		abort();
	return dir;
}

static inline int test_dir_visit(const char *path, const struct stat *st, int type,
				 struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void test_dir_remove(char **dir)
{
	if (*dir)
		nftw(*dir, test_dir_visit, 16, FTW_DEPTH | FTW_PHYS);
	free(*dir);
}

/* For the whole program: a test that fails jumps over its own guards. */
static inline int test_group_begin(void **state)
{
	char *dir = test_dir_make();

	*state = dir;
	return setenv("TMPDIR", dir, 1);
}

static inline int test_group_end(void **state)
{
	char *dir = *state;

	test_dir_remove(&dir);
	return 0;
}

#define test_auto_dir sn_auto(test_dir_remove) char *

static inline void test_catalog_end(struct catalog **cat)
{
	catalog_close(*cat);
}

#define test_auto_catalog sn_auto(test_catalog_end) struct catalog *

/* ---- pages ---- */

static inline uint64_t slot_key(size_t slot)
{
	/* three spaces, with gaps in each */
	return page_key((uint32_t)(slot / 100), (slot % 100 + slot / 20 * 7) << PAGE_SHIFT);
}

static inline void page_fill(uint64_t *page, uint32_t seed)
{
	for (size_t i = 0; i < PAGE_BYTES / sizeof(*page); i++)
		page[i] = (seed + i) * UINT64_C(0x9e3779b97f4a7c15) + seed;
}

static inline bool page_is(const void *page, uint32_t seed)
{
	uint64_t wanted[PAGE_BYTES / sizeof(uint64_t)];

	page_fill(wanted, seed);
	return !memcmp(page, wanted, PAGE_BYTES);
}

/* A slot's: raw, compressible, or one of a family that differ in few words. */
static inline void slot_fill(uint64_t *page, uint32_t seed)
{
	page_fill(page, seed % 4 < 2 ? 12345 : seed);
	if (seed % 4 == 3)
		for (size_t i = 0; i < PAGE_BYTES / sizeof(*page); i++)
			page[i] = seed + i / 64;
	for (size_t i = 0; seed % 4 < 2 && i < 5; i++)
		page[(seed + 97 * i) % (PAGE_BYTES / sizeof(*page))] = seed;
}

static inline bool slot_is(const void *page, uint32_t seed)
{
	uint64_t wanted[PAGE_BYTES / sizeof(uint64_t)];

	slot_fill(wanted, seed);
	return !memcmp(page, wanted, PAGE_BYTES);
}

/* ---- the world ---- */

struct world {
	struct catalog *cat;
	int64_t app_id;
	struct catalog_snapshot last; /* the parent of the next */
	uint32_t seeds[SLOTS];
	struct pagemap map;
	bool forget_map; /* commit without the parent's map */
	struct rng rng;
};

static inline void world_end(struct world *world)
{
	pagemap_release(&world->map);
}

static inline int world_begin(struct world *world, struct catalog *cat, const char *name,
			      uint64_t seed, struct sn_err *err)
{
	struct catalog_app app = {.exit_status = -1};

	snprintf(app.name, sizeof(app.name), "%s", name);
	*world = (struct world){.cat = cat, .rng = {seed * 2654435769u + 1}};
	if (catalog_app_add(cat, &app, err) < 0)
		return -1;
	world->app_id = app.id;
	return 0;
}

/* Changes `changes` runs of slots at random. */
static inline void world_change(struct world *world, size_t changes)
{
	for (size_t i = 0; i < changes; i++) {
		size_t slot = rng_below(&world->rng, SLOTS), run = 1 + rng_below(&world->rng, 8);
		uint64_t kind = rng_below(&world->rng, 10);

		for (; run && slot < SLOTS; run--, slot++) {
			uint32_t seed = 2 + (uint32_t)rng_below(&world->rng, 1u << 30);

			world->seeds[slot] = kind == 0 ? SEED_ABSENT : kind == 1 ? SEED_ZERO : seed;
		}
	}
}

/* Stores the pages that differ from `before`, in random portions; the new map in *map. */
static inline int world_put(struct world *world, struct catalog_put *put,
			    const uint32_t before[SLOTS], struct pagemap *map, struct sn_err *err)
{
	static const size_t words = PAGE_BYTES / sizeof(uint64_t);
	sn_auto_free uint64_t *pages = sn_malloc(SLOTS * (size_t)PAGE_BYTES);
	uint64_t loc, bases[SLOTS], locs[SLOTS];

	for (size_t slot = 0, n; slot < SLOTS; slot += n) {
		uint32_t seed = world->seeds[slot];

		n = 1;
		if (seed == SEED_ABSENT)
			continue;
		if (seed == SEED_ZERO) {
			pagemap_append(map, slot_key(slot), 1, PAGE_LOC_ZERO);
			continue;
		}
		if (seed == before[slot]) {
			assert_true(pagemap_find(&world->map, slot_key(slot), &loc));
			pagemap_append(map, slot_key(slot), 1, loc);
			continue;
		}
		for (n = 0; slot + n < SLOTS && world->seeds[slot + n] > SEED_ZERO &&
			    world->seeds[slot + n] != before[slot + n] && n < 5; n++)
			slot_fill(pages + n * words, world->seeds[slot + n]);
		for (size_t i = 0; i < n; i++)
			if (!pagemap_find(&world->map, slot_key(slot + i), &bases[i]))
				bases[i] = PAGE_LOC_ZERO;
		if (catalog_put_pages(put, pages, n, bases, locs, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++)
			pagemap_append(map, slot_key(slot + i), 1, locs[i]);
	}
	return 0;
}

/*
 * Changes the world and takes a snapshot of it; world->last is its row. On failure the
 * world is as before.
 */
static inline int world_take(struct world *world, size_t changes, struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap map = {0};
	struct catalog_snapshot snap = {.parent = world->last.id, .tracker = "full"};
	uint32_t before[SLOTS], known[SLOTS];
	struct catalog_put *put;
	int r;

	memcpy(known, world->seeds, sizeof(known));
	memcpy(before, world->seeds, sizeof(before));
	world_change(world, changes);
	snprintf(snap.message, sizeof(snap.message), "%" PRIx64, rng_next(&world->rng));
	r = catalog_put_begin(world->cat, world->app_id, world->last.id, &put, err);
	if (r < 0 && err->code == ESTALE) { /* it was dropped: nothing is known to be stored */
		pagemap_clear(&world->map);
		memset(known, 0, sizeof(known));
		r = catalog_put_begin(world->cat, world->app_id, 0, &put, err);
	}
	if (r < 0)
		goto fail;
	if (world_put(world, put, known, &map, err) < 0) {
		catalog_put_abort(put);
		goto fail;
	}
	if (catalog_put_commit(put, &snap, (uint8_t *)world->seeds, sizeof(world->seeds), &map,
			       world->forget_map || !snap.parent || !world->map.len ? NULL
										     : &world->map,
			       err) < 0)
		goto fail;
	world->last = snap;
	pagemap_copy(&world->map, &map);
	return 0;
fail:
	memcpy(world->seeds, before, sizeof(before));
	return -1;
}

/* Reads the pages of one run and compares them with the seeds of its slots. */
static inline int world_verify_slot(struct catalog *cat, const struct pagemap *map, size_t slot,
				    uint32_t seed, struct sn_err *err)
{
	uint64_t page[PAGE_BYTES / sizeof(uint64_t)], loc;
	bool found = pagemap_find(map, slot_key(slot), &loc);

	if (found != (seed != SEED_ABSENT) || (found && !loc != (seed == SEED_ZERO)))
		return sn_fail(err, "slot %zu is not mapped as it was", slot);
	if (seed <= SEED_ZERO)
		return 0;
	if (catalog_pages_read(cat, loc, 1, page, err) < 0)
		return -1;
	if (!slot_is(page, seed))
		return sn_fail(err, "slot %zu has another one's contents", slot);
	return 0;
}

/* Whether a snapshot is whole: 0, or -1 and why not. */
static inline int world_verify(struct catalog *cat, int64_t app_id, int64_t id,
			       struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap map = {0};
	sn_auto_free uint8_t *image = NULL;
	struct catalog_snapshot snap;
	uint64_t pages = 0;
	size_t len;
	int r = catalog_snapshot_find(cat, app_id, id, &snap, err);

	if (!r)
		return sn_fail(err, "snapshot %lld is not there", (long long)id);
	if (r < 0 || catalog_image_load(cat, app_id, id, &image, &len, err) < 0 ||
	    catalog_map_load(cat, app_id, id, &map, err) < 0)
		return -1;
	if (len != SLOTS * sizeof(uint32_t))
		return sn_fail(err, "the image has another length");
	for (size_t slot = 0; slot < SLOTS; slot++) {
		uint32_t seed = ((uint32_t *)image)[slot];

		pages += seed != SEED_ABSENT;
		if (world_verify_slot(cat, &map, slot, seed, err) < 0)
			return sn_ctx(err, "snapshot %lld", (long long)id);
	}
	if (pages != pagemap_pages(&map))
		return sn_fail(err, "snapshot %lld maps pages it did not have", (long long)id);
	return 0;
}

static inline int world_drop(struct catalog *cat, int64_t app_id, int64_t id, struct sn_err *err)
{
	return catalog_snapshots_drop(cat, app_id, &id, 1, err);
}

/* Verifies every snapshot of the application; *count is how many there are. */
static inline int world_verify_all(struct catalog *cat, int64_t app_id, size_t *count,
				   struct sn_err *err)
{
	sn_auto_free struct catalog_snapshot *snaps = NULL;

	if (catalog_snapshot_list(cat, app_id, &snaps, count, err) < 0)
		return -1;
	for (size_t i = 0; i < *count; i++)
		if (world_verify(cat, app_id, snaps[i].id, err) < 0)
			return -1;
	return 0;
}

/* The world becomes what it was at snapshot `id`, the parent of the next. */
static inline int world_go_back(struct world *world, int64_t id, struct sn_err *err)
{
	sn_auto_free uint8_t *image = NULL;
	size_t len;

	if (catalog_snapshot_find(world->cat, world->app_id, id, &world->last, err) < 1 ||
	    catalog_image_load(world->cat, world->app_id, id, &image, &len, err) < 0 ||
	    catalog_map_load(world->cat, world->app_id, id, &world->map, err) < 0)
		return -1;
	assert_int_equal(len, sizeof(world->seeds));
	memcpy(world->seeds, image, len);
	return 0;
}

/* ---- files ---- */

/* Turns over the bits of one byte of a file. */
static inline void file_damage(const char *dir, const char *name, off_t offset)
{
	sn_auto_free char *path = sn_asprintf("%s/%s", dir, name);
	sn_auto_fd int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte ^= 0xff;
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
}

static inline off_t file_bytes(const char *dir, const char *name)
{
	sn_auto_free char *path = sn_asprintf("%s/%s", dir, name);
	struct stat st;

	return stat(path, &st) < 0 ? -1 : st.st_size;
}

#endif
