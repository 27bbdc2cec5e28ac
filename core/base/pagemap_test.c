/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page maps against a naive model: an array with one slot a key. Maps are random
 * and small, so that runs touch, nest and join in every way; each result is
 * compared page by page, and its runs are checked against the invariant.
 */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/base/pagemap.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
	KEYS = 200,
	ROUNDS = 20000,
	ABSENT = -1,
};

struct model {
	int64_t loc[KEYS]; /* ABSENT, or the page's location */
};

struct rng {
	uint64_t state;
};

static uint64_t rng_next(struct rng *rng)
{
	rng->state ^= rng->state << 13;
	rng->state ^= rng->state >> 7;
	rng->state ^= rng->state << 17;
	return rng->state;
}

static uint64_t rng_below(struct rng *rng, uint64_t bound)
{
	return (rng_next(rng) >> 11) % bound;
}

static void assert_invariant(const struct pagemap *map)
{
	for (size_t i = 0; i < map->len; i++) {
		const struct page_run *run = &map->runs[i], *prev = run - 1;

		assert_true(run->count > 0);
		if (!i)
			continue;
		assert_true(prev->key + prev->count <= run->key);
		if (prev->key + prev->count < run->key)
			continue;
		if (!prev->loc || !run->loc)
			assert_true(prev->loc != run->loc);
		else
			assert_true(prev->loc + prev->count != run->loc);
	}
}

static void assert_is(const struct pagemap *map, const struct model *model)
{
	uint64_t pages = 0;

	assert_invariant(map);
	for (uint64_t key = 0; key < KEYS; key++) {
		uint64_t loc = 0;
		bool found = pagemap_find(map, key, &loc);
		size_t at = pagemap_seek(map, key);

		assert_int_equal(found, model->loc[key] != ABSENT);
		if (found)
			assert_int_equal(loc, model->loc[key]);
		pages += found;
		assert_true(at == map->len || map->runs[at].key + map->runs[at].count > key);
		assert_true(at == 0 || map->runs[at - 1].key + map->runs[at - 1].count <= key);
	}
	assert_int_equal(pagemap_pages(map), pages);
}

/* A few locations only, so that two maps often agree by chance. */
static void fill(struct pagemap *map, struct model *model, struct rng *rng)
{
	uint64_t key = rng_below(rng, 20), gap = 1 + rng_below(rng, 30);

	pagemap_clear(map);
	for (int i = 0; i < KEYS; i++)
		model->loc[i] = ABSENT;
	while (key < KEYS) {
		uint64_t count = rng_below(rng, 12), loc = 0;

		if (count > KEYS - key)
			count = KEYS - key;
		if (rng_below(rng, 3)) /* often the location of its key: identity */
			loc = rng_below(rng, 2) ? 1000 + key : 1 + rng_below(rng, 20);
		pagemap_append(map, key, count, loc);
		for (uint64_t i = 0; i < count; i++)
			model->loc[key + i] = (int64_t)(loc ? loc + i : 0);
		key += count + (rng_below(rng, 2) ? 0 : rng_below(rng, gap));
	}
}

enum op { OVERLAY, INTERSECT, SUBTRACT, CHANGED, OPS };

static int64_t naive(enum op op, int64_t a, int64_t b)
{
	switch (op) {
	case OVERLAY:
		return b != ABSENT ? b : a;
	case INTERSECT:
		return b != ABSENT ? a : ABSENT;
	case SUBTRACT:
		return b == ABSENT ? a : ABSENT;
	default:
		return a != b ? a : ABSENT;
	}
}

static void test_random(void **state)
{
	static void (*const table[OPS])(struct pagemap *, const struct pagemap *,
					const struct pagemap *) = {
		[OVERLAY] = pagemap_overlay,
		[INTERSECT] = pagemap_intersect,
		[SUBTRACT] = pagemap_subtract,
		[CHANGED] = pagemap_changed,
	};
	struct rng rng = {UINT64_C(0x9e3779b97f4a7c15)};
	sn_auto(pagemap_release) struct pagemap a = {0};
	sn_auto(pagemap_release) struct pagemap b = {0};
	sn_auto(pagemap_release) struct pagemap out = {0};
	struct model model_a, model_b, wanted;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		fill(&a, &model_a, &rng);
		fill(&b, &model_b, &rng);
		assert_is(&a, &model_a);
		for (enum op op = 0; op < OPS; op++) {
			table[op](&out, &a, &b);
			for (int i = 0; i < KEYS; i++)
				wanted.loc[i] = naive(op, model_a.loc[i], model_b.loc[i]);
			assert_is(&out, &wanted);
		}
		assert_int_equal(pagemap_equal(&a, &b),
				 !memcmp(&model_a, &model_b, sizeof(model_a)));
		pagemap_copy(&b, &a);
		assert_true(pagemap_equal(&a, &b));
		assert_is(&b, &model_a);
	}
}

/* What snapshots do: a delta and the removed keys bring one map to the other. */
static void test_delta_roundtrip(void **state)
{
	struct rng rng = {UINT64_C(0x2545f4914f6cdd1d)};
	sn_auto(pagemap_release) struct pagemap parent = {0};
	sn_auto(pagemap_release) struct pagemap child = {0};
	sn_auto(pagemap_release) struct pagemap changed = {0};
	sn_auto(pagemap_release) struct pagemap gone = {0};
	sn_auto(pagemap_release) struct pagemap kept = {0};
	sn_auto(pagemap_release) struct pagemap again = {0};
	struct model unused;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		fill(&parent, &unused, &rng);
		fill(&child, &unused, &rng);
		pagemap_changed(&changed, &child, &parent);
		pagemap_subtract(&gone, &parent, &child);
		pagemap_subtract(&kept, &parent, &gone);
		pagemap_overlay(&again, &kept, &changed);
		assert_true(pagemap_equal(&again, &child));
	}
}

static void test_joining(void **state)
{
	sn_auto(pagemap_release) struct pagemap map = {0};

	(void)state;
	pagemap_append(&map, 10, 2, 100);
	pagemap_append(&map, 12, 3, 102);
	assert_int_equal(map.len, 1);
	pagemap_append(&map, 15, 1, 106); /* the location jumps */
	assert_int_equal(map.len, 2);
	pagemap_append(&map, 17, 1, 108); /* the key jumps */
	assert_int_equal(map.len, 3);
	pagemap_append(&map, 18, 4, PAGE_LOC_ZERO);
	pagemap_append(&map, 22, 4, PAGE_LOC_ZERO);
	assert_int_equal(map.len, 4);
	assert_int_equal(map.runs[3].count, 8);
	pagemap_append(&map, 26, 1, 8); /* no continuation of 8 zero pages */
	assert_int_equal(map.len, 5);
	pagemap_append(&map, 27, 0, 1);
	assert_int_equal(map.len, 5);
}

static void test_empty(void **state)
{
	sn_auto(pagemap_release) struct pagemap none = {0};
	sn_auto(pagemap_release) struct pagemap one = {0};
	sn_auto(pagemap_release) struct pagemap out = {0};
	uint64_t loc;

	(void)state;
	pagemap_append(&one, 5, 5, 50);
	assert_false(pagemap_find(&none, 5, &loc));
	assert_int_equal(pagemap_seek(&none, 5), 0);
	pagemap_overlay(&out, &none, &none);
	assert_int_equal(out.len, 0);
	pagemap_overlay(&out, &none, &one);
	assert_true(pagemap_equal(&out, &one));
	pagemap_overlay(&out, &one, &none);
	assert_true(pagemap_equal(&out, &one));
	pagemap_copy(&out, &none);
	assert_int_equal(out.len, 0);
}

static void test_keys(void **state)
{
	uint64_t key = page_key(65535, UINT64_C(0x7ffffffff000));

	(void)state;
	assert_int_equal(page_key_space(key), 65535);
	assert_int_equal(page_key_addr(key), UINT64_C(0x7ffffffff000));
	assert_int_equal(page_key(0, 4095), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_delta_roundtrip),
		cmocka_unit_test(test_joining),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
