/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of page maps: what goes in comes out, and no bytes do harm. */
#include "catalog/mapcode.h"
#include "catalog/pack.h"
#include "catalog/test_world.h"

enum {
	ROUNDS = 5000,
};

static void fill(struct pagemap *map, struct rng *rng)
{
	uint64_t key = rng_below(rng, 1000), runs = rng_below(rng, 60);

	pagemap_clear(map);
	for (uint64_t i = 0; i < runs; i++) {
		uint64_t count = 1 + rng_below(rng, 3) * rng_below(rng, 500), loc = PAGE_LOC_ZERO;

		if (rng_below(rng, 5))
			loc = pack_loc(1 + (uint32_t)rng_below(rng, 4), rng_below(rng, 3000));
		pagemap_append(map, key, count, loc);
		key += count + rng_below(rng, 3) * rng_below(rng, 100);
		if (!rng_below(rng, 20)) /* the next space, or far beyond */
			key += (1 + rng_below(rng, 3) * 3000) << PAGE_SPACE_SHIFT;
	}
}

/* base brought forward by delta, through base's bytes */
static void forward(struct pagemap *out, const struct pagemap *base, const struct pagemap *delta)
{
	sn_auto_free uint8_t *bytes = NULL;
	struct sn_err err;
	size_t len;

	bytes = mapcode_encode(base, &len);
	assert_done(mapcode_decode_forward(out, bytes, len, delta, &err));
}

static void assert_roundtrip(const struct pagemap *map)
{
	sn_auto(pagemap_release) struct pagemap again = {0};
	sn_auto_free uint8_t *bytes = NULL;
	struct sn_err err;
	size_t len;

	bytes = mapcode_encode(map, &len);
	assert_done(mapcode_decode(&again, bytes, len, &err));
	assert_true(pagemap_equal(map, &again));
	assert_int_equal(mapcode_sum(map), mapcode_sum(&again));
	if (len > 1) {
		assert_int_equal(mapcode_decode(&again, bytes, len - 1, &err), -1);
		assert_text(err, "no page map");
	}
	bytes = sn_realloc(bytes, len + 1, 1);
	bytes[len] = 0;
	assert_int_equal(mapcode_decode(&again, bytes, len + 1, &err), -1);
}

static void test_random(void **state)
{
	sn_auto(pagemap_release) struct pagemap a = {0};
	sn_auto(pagemap_release) struct pagemap b = {0};
	sn_auto(pagemap_release) struct pagemap delta = {0};
	sn_auto(pagemap_release) struct pagemap out = {0};
	struct rng rng = {4711};

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		fill(&a, &rng);
		fill(&b, &rng);
		mapcode_diff(&delta, &a, &b);
		assert_roundtrip(&a);
		assert_roundtrip(&delta);
		forward(&out, &a, &delta);
		assert_true(pagemap_equal(&out, &b));
		assert_int_equal(mapcode_sum(&out), mapcode_sum(&b));
		if (!pagemap_equal(&a, &b))
			assert_int_not_equal(mapcode_sum(&a), mapcode_sum(&b));
	}
}

/* Two deltas joined do what they do one after the other. */
static void test_joined_deltas(void **state)
{
	struct pagemap maps[3] = {{0}}, deltas[2] = {{0}}, joined = {0}, out = {0};
	struct rng rng = {815};

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		for (int j = 0; j < 3; j++)
			fill(&maps[j], &rng);
		mapcode_diff(&deltas[0], &maps[0], &maps[1]);
		mapcode_diff(&deltas[1], &maps[1], &maps[2]);
		pagemap_overlay(&joined, &deltas[0], &deltas[1]);
		forward(&out, &maps[0], &joined);
		assert_true(pagemap_equal(&out, &maps[2]));
	}
	for (int j = 0; j < 3; j++)
		pagemap_release(&maps[j]);
	pagemap_release(&deltas[0]);
	pagemap_release(&deltas[1]);
	pagemap_release(&joined);
	pagemap_release(&out);
}

static void test_extremes(void **state)
{
	sn_auto(pagemap_release) struct pagemap map = {0};

	(void)state;
	assert_roundtrip(&map);
	pagemap_append(&map, 0, 1, pack_loc(PACK_NUMBER_MAX, PACK_BYTES_MAX - 1));
	pagemap_append(&map, page_key(65535, 0), 3, pack_loc(1, 0));
	pagemap_append(&map, UINT64_MAX - 10, 10, PAGE_LOC_ZERO);
	assert_roundtrip(&map);
}

/* What only a delta has makes no full map. */
static void test_gone_in_full(void **state)
{
	struct pagemap one = {0}, none = {0}, delta = {0}, out = {0};
	sn_auto_free uint8_t *bytes = NULL;
	struct sn_err err;
	size_t len;

	(void)state;
	pagemap_append(&one, 5, 3, pack_loc(1, 7));
	mapcode_diff(&delta, &one, &none);
	assert_int_equal(delta.len, 1);
	bytes = mapcode_encode(&delta, &len);
	assert_done(mapcode_decode(&out, bytes, len, &err));
	assert_true(pagemap_equal(&out, &delta));
	assert_int_equal(mapcode_decode_forward(&out, bytes, len, &none, &err), -1);
	pagemap_release(&one);
	pagemap_release(&delta);
	pagemap_release(&out);
}

/* A page of its own in every 400, stored one after the other: what heaps are like. */
static void test_size(void **state)
{
	sn_auto(pagemap_release) struct pagemap map = {0};
	sn_auto_free uint8_t *bytes = NULL;
	struct rng rng = {99};
	uint64_t key = 0;
	size_t len;

	(void)state;
	for (uint64_t i = 0; i < 600; i++, key += 1 + rng_below(&rng, 800))
		pagemap_append(&map, key, 1, pack_loc(3, 100000 + i));
	bytes = mapcode_encode(&map, &len);
	assert_true(len < 600 * 5 / 2);
}

/* Damaged bytes are refused or make some map, whose runs then are in order. */
static void test_damaged(void **state)
{
	sn_auto(pagemap_release) struct pagemap map = {0};
	sn_auto(pagemap_release) struct pagemap out = {0};
	const struct pagemap none = {0};
	struct rng rng = {13};
	struct sn_err err;
	size_t refused = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		sn_auto_free uint8_t *bytes = NULL;
		size_t len;

		fill(&map, &rng);
		bytes = mapcode_encode(&map, &len);
		for (uint64_t hits = 1 + rng_below(&rng, 4); hits; hits--)
			bytes[rng_below(&rng, len)] = (uint8_t)rng_next(&rng);
		if (mapcode_decode(&out, bytes, len, &err) < 0) {
			refused++;
			continue;
		}
		if (mapcode_decode_forward(&out, bytes, len, &none, &err) < 0)
			refused++; /* a run that only a delta has */
		for (size_t j = 1; j < out.len; j++)
			assert_true(out.runs[j - 1].key + out.runs[j - 1].count <= out.runs[j].key);
	}
	assert_true(refused > ROUNDS / 10);
}

static void test_garbage(void **state)
{
	sn_auto(pagemap_release) struct pagemap out = {0};
	struct rng rng = {17};
	uint8_t bytes[64];
	struct sn_err err;

	(void)state;
	for (int i = 0; i < 20 * ROUNDS; i++) {
		size_t len = rng_below(&rng, sizeof(bytes) + 1);

		for (size_t j = 0; j < len; j++)
			bytes[j] = (uint8_t)(rng_next(&rng) | (rng_below(&rng, 3) ? 0 : 0x80));
		if (len)
			bytes[0] &= 0x0f; /* a number of runs that can be */
		mapcode_decode(&out, bytes, len, &err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_joined_deltas),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_gone_in_full),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
