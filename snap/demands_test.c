// SPDX-License-Identifier: Apache-2.0
/* What lazy restores were asked for: recorded, joined, as the catalog keeps it. */
#include "core/base/guard.h"
#include "snap/demands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LOC = 100000 }; /* of key 0 */

static void recorder_end(struct recorder *recorder)
{
	demands_release(&recorder->demands);
}

/* As a lazy restore does: returns how much is placed. */
static uint64_t ask(struct recorder *recorder, uint64_t key)
{
	uint64_t span = recorder_span(recorder, key);

	recorder_note(recorder, &(struct page_run){key, span, LOC + key});
	return span;
}

static void assert_run(const struct demands *demands, size_t i, uint64_t key, uint64_t count)
{
	assert_true(i < demands->len);
	assert_int_equal(demands->runs[i].key, key);
	assert_int_equal(demands->runs[i].count, count);
}

static void test_here_and_there(void **state)
{
	sn_auto(recorder_end) struct recorder recorder = {.turn = 0};
	const struct demands *demands = &recorder.demands;

	(void)state;
	assert_int_equal(ask(&recorder, 500), DEMANDS_FIRST_PAGES);
	assert_int_equal(ask(&recorder, 100), DEMANDS_FIRST_PAGES);
	assert_int_equal(ask(&recorder, 101), DEMANDS_FIRST_PAGES);
	assert_int_equal(demands->pages, 3);
	assert_int_equal(demands->len, 2);
	assert_run(demands, 0, 500, 1); /* what was placed along need not have been touched */
	assert_run(demands, 1, 100, 2);
	assert_int_equal(demands->runs[1].loc, LOC + 100);
}

/* Who walks has used all of what he leaves behind, in turns with another one, too. */
static void test_walks(void **state)
{
	sn_auto(recorder_end) struct recorder recorder = {.turn = 0};
	uint64_t one = 1000, other = 5000, want = DEMANDS_FIRST_PAGES, span;
	const struct demands *demands = &recorder.demands;
	size_t i;

	(void)state;
	for (i = 0; i < 8; i++) {
		span = ask(&recorder, one);
		assert_int_equal(span, want);
		one += span;
		assert_int_equal(ask(&recorder, other), want);
		other += want;
		want = 2 * want < DEMANDS_AHEAD_PAGES ? 2 * want : DEMANDS_AHEAD_PAGES;
	}
	assert_int_equal(demands->pages, one - span + 1 - 1000 + other - span + 1 - 5000);
	assert_run(demands, 0, 1000, 1);
	assert_run(demands, 1, 5000, 1);
	assert_run(demands, 2, 1001, DEMANDS_FIRST_PAGES);
	assert_run(demands, 3, 5001, DEMANDS_FIRST_PAGES);
}

static void test_no_more_than(void **state)
{
	sn_auto(recorder_end) struct recorder recorder = {.turn = 0};
	uint64_t key;

	(void)state;
	for (key = 0; key < 2 * DEMANDS_MAX_PAGES; key++)
		ask(&recorder, 100 * key);
	assert_int_equal(recorder.demands.pages, DEMANDS_MAX_PAGES);
}

/* ---- joining ---- */

static struct pending pending_make(uint64_t pages)
{
	struct pagemap map = {0};
	struct pending pending;

	pagemap_append(&map, 0, pages, LOC);
	pending_init(&pending, &map);
	return pending;
}

static void append(struct demands *demands, uint64_t key, uint64_t count, uint64_t loc)
{
	demands_append(demands, &(struct page_run){key, count, loc});
}

/* The order stays, no page comes twice, none that is not there, none that is another one. */
static void test_take(void **state)
{
	sn_auto(demands_release) struct demands before = {0}, after = {0}, both = {0};
	sn_auto(pending_release) struct pending pending = pending_make(100);

	(void)state;
	append(&before, 90, 20, 0); /* 100 and on are not there */
	append(&before, 10, 5, 0);
	append(&after, 8, 4, LOC + 8);   /* 10 and 11 were in it */
	append(&after, 50, 2, LOC + 60); /* another page was moved there */
	append(&after, 20, 1, LOC + 20);
	demands_take(&both, &before, &pending);
	demands_take(&both, &after, &pending);
	assert_int_equal(both.len, 4);
	assert_run(&both, 0, 90, 10);
	assert_run(&both, 1, 10, 5);
	assert_run(&both, 2, 8, 2);
	assert_run(&both, 3, 20, 1);
	assert_int_equal(both.pages, 18);
	assert_int_equal(both.runs[2].loc, LOC + 8);
}

static void test_take_no_more_than(void **state)
{
	sn_auto(demands_release) struct demands all = {0}, taken = {0};
	sn_auto(pending_release) struct pending pending = pending_make(3 * DEMANDS_MAX_PAGES);

	(void)state;
	append(&all, 10, DEMANDS_MAX_PAGES - 1, 0);
	append(&all, 2 * DEMANDS_MAX_PAGES, 10, 0);
	demands_take(&taken, &all, &pending);
	assert_int_equal(taken.pages, DEMANDS_MAX_PAGES);
	assert_run(&taken, 1, 2 * DEMANDS_MAX_PAGES, 1);
}

static void test_places(void **state)
{
	sn_auto(demands_release) struct demands first = {0}, second = {0};
	sn_auto(pagemap_release) struct pagemap places = {0};
	uint64_t place;
	size_t i;

	(void)state;
	append(&first, 70, 3, LOC + 70);
	append(&first, 20, 2, LOC + 20);
	append(&first, 73, 4, LOC + 7);
	demands_places(&first, &places);
	assert_int_equal(places.len, 3);
	assert_true(pagemap_find(&places, 21, &place));
	assert_int_equal(place, 5);
	demands_of_places(&second, &places);
	assert_int_equal(second.len, 3);
	assert_int_equal(second.pages, 9);
	for (i = 0; i < 3; i++)
		assert_run(&second, i, first.runs[i].key, first.runs[i].count);
	assert_int_equal(second.runs[0].loc, PAGE_LOC_ZERO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_here_and_there),
		cmocka_unit_test(test_walks),
		cmocka_unit_test(test_no_more_than),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_take_no_more_than),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
