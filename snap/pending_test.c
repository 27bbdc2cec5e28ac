// SPDX-License-Identifier: Apache-2.0
/* Pages struck off, copied and moved, held against an array of what is pending. */
#include "snap/pending.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS = 200, STEPS = 20000, LOC = 1000 };

/* Location of each key, 0: not pending. */
struct model {
	uint64_t loc[KEYS];
};

static void build(struct model *model, struct pending *pending, unsigned *seed)
{
	struct pagemap map = {0};
	uint64_t key, left = 0;

	for (key = 0; key < KEYS; key++) {
		unsigned what = (unsigned)rand_r(seed) % 4;

		model->loc[key] = what > 1 ? LOC + key + what : 0;
		left += what > 1;
		if (what > 0)
			pagemap_append(&map, key, 1, model->loc[key]);
	}
	pending_init(pending, &map);
	assert_null(map.runs);
	assert_int_equal(pending->left, left);
}

static void assert_model(const struct model *model, const struct pending *pending)
{
	struct pagemap left = {0};
	uint64_t key, loc, count = 0;

	pending_left(pending, &left);
	for (key = 0; key < KEYS; key++) {
		assert_int_equal(pagemap_find(&left, key, &loc) ? loc : 0, model->loc[key]);
		count += model->loc[key] != 0;
	}
	assert_int_equal(pending->left, count);
	pagemap_release(&left);
}

static void assert_at(const struct model *model, const struct pending *pending, uint64_t key,
		      uint64_t max)
{
	struct page_run run;
	uint64_t i;

	assert_int_equal(pending_at(pending, key, max, &run), model->loc[key] != 0);
	if (!model->loc[key])
		return;
	assert_int_equal(run.key, key);
	assert_true(run.count >= 1 && run.count <= max);
	for (i = 0; i < run.count; i++)
		assert_int_equal(model->loc[key + i], run.loc + i);
}

/* The first that is pending of some keys, and what is left of them. */
static void assert_next(const struct model *model, const struct pending *pending, uint64_t key,
			uint64_t count)
{
	struct page_run keys = {key, count, 0}, run;
	uint64_t end = key + count;

	while (key < end && !model->loc[key])
		key++;
	assert_int_equal(pending_next(pending, &keys, 3, &run), key < end);
	if (key == end)
		return;
	assert_int_equal(run.key, key);
	assert_int_equal(run.loc, model->loc[key]);
	assert_true(run.count >= 1 && run.count <= 3);
	assert_int_equal(keys.key, key + run.count);
	assert_int_equal(keys.key + keys.count, end);
}

static void strike(struct model *model, struct pending *pending, uint64_t key, uint64_t count)
{
	pending_strike(pending, key, count);
	memset(&model->loc[key], 0, count * sizeof(model->loc[0]));
}

static void move(struct model *model, struct pending *pending, uint64_t key, uint64_t count,
		 uint64_t to)
{
	struct model moved = *model;

	/* where it goes nothing is pending: the kernel has said so before */
	strike(&moved, pending, to, count);
	strike(model, pending, to, count);
	memset(&moved.loc[key], 0, count * sizeof(moved.loc[0]));
	memcpy(&moved.loc[to], &model->loc[key], count * sizeof(moved.loc[0]));
	pending_move(pending, key, count, to);
	*model = moved;
}

static void test_random(void **state)
{
	struct pending pending, copy;
	struct model model;
	unsigned seed = 7, i;

	(void)state;
	build(&model, &pending, &seed);
	for (i = 0; i < STEPS; i++) {
		uint64_t key = (uint64_t)rand_r(&seed) % KEYS;
		uint64_t count = 1 + (uint64_t)rand_r(&seed) % 8;

		if (key + count > KEYS)
			count = KEYS - key;
		assert_at(&model, &pending, key, count);
		assert_next(&model, &pending, key, count);
		if (i % 4 == 0)
			strike(&model, &pending, key, count);
		if (i % 16 == 1 && 2 * count < KEYS - key)
			move(&model, &pending, key, count, key + count);
		assert_model(&model, &pending);
		if (!pending.left) {
			pending_release(&pending);
			build(&model, &pending, &seed);
		}
	}
	pending_copy(&copy, &pending);
	assert_model(&model, &copy);
	pending_release(&copy);
	pending_release(&pending);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
