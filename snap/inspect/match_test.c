// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/match.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* after what it leans on */
#include <cmocka.h>

enum { PAGE = 4096, HITS = 64 };

struct hits {
	uint64_t addr[HITS];
	size_t count, most;
};

static bool add(void *arg, uint64_t addr)
{
	struct hits *hits = arg;

	if (hits->count == hits->most)
		return false;
	hits->addr[hits->count++] = addr;
	return true;
}

static struct match begin(struct hits *hits, const void *pattern, size_t len)
{
	struct match m = {.pattern = pattern, .len = len, .hit = add, .arg = hits};

	*hits = (struct hits){.most = HITS};
	match_init(&m);
	return m;
}

static void expect(const struct hits *hits, size_t count, const uint64_t *want)
{
	assert_int_equal(hits->count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(hits->addr[i], want[i]);
}

static const uint8_t *bytes(const char *text)
{
	return (const uint8_t *)text;
}

static void matches_overlap(void **state)
{
	struct hits hits;
	struct match m = begin(&hits, "aa", 2);

	(void)state;
	assert_true(match_bytes(&m, 100, bytes("aaaxaa"), 6));
	expect(&hits, 3, (const uint64_t[]){100, 101, 104});
	match_release(&m);
}

/* "needle" cut at each place, also into three. */
static void over_borders(void **state)
{
	uint8_t pages[3 * PAGE];

	(void)state;
	for (size_t at = PAGE - 8; at < PAGE + 3; at++) {
		struct hits hits;
		struct match m = begin(&hits, "needle", 6);

		memset(pages, '.', sizeof(pages));
		memcpy(pages + at, "needle", 6);
		for (size_t i = 0; i < 3; i++)
			match_bytes(&m, 0x7000 + i * PAGE, pages + i * PAGE, PAGE);
		expect(&hits, 1, (const uint64_t[]){0x7000 + at});
		match_release(&m);
	}
}

static void in_single_bytes(void **state)
{
	const char *text = "aabaabaaab";
	struct hits hits;
	struct match m = begin(&hits, "aab", 3);

	(void)state;
	for (size_t i = 0; text[i]; i++)
		match_bytes(&m, i, bytes(text + i), 1);
	expect(&hits, 3, (const uint64_t[]){0, 3, 7});
	match_release(&m);
}

/* A pattern of more than a page. */
static void longer_than_a_page(void **state)
{
	sn_auto_free uint8_t *memory = sn_malloc(4 * PAGE), *pattern = sn_malloc(2 * PAGE);
	struct hits hits;
	struct match m;

	(void)state;
	for (size_t i = 0; i < 4 * PAGE; i++)
		memory[i] = (uint8_t)(i * i >> 7);
	memcpy(pattern, memory + 1000, 2 * PAGE);
	m = begin(&hits, pattern, 2 * PAGE);
	for (size_t i = 0; i < 4; i++)
		match_bytes(&m, i * PAGE, memory + i * PAGE, PAGE);
	expect(&hits, 1, (const uint64_t[]){1000});
	match_release(&m);
}

static void gaps_separate(void **state)
{
	struct hits hits;
	struct match m = begin(&hits, "ab", 2);

	(void)state;
	match_bytes(&m, 0x1000, bytes("xa"), 2);
	match_bytes(&m, 0x1003, bytes("bx"), 2);
	expect(&hits, 0, NULL);
	match_release(&m);
}

static void zeros_are_memory_too(void **state)
{
	struct hits hits;
	struct match m = begin(&hits, "\0\0ab\0", 5);

	(void)state;
	match_bytes(&m, 0x1000, bytes("ab"), 2);
	match_zeros(&m, 0x1002, UINT64_C(1) << 40);
	match_bytes(&m, 0x1002 + (UINT64_C(1) << 40), bytes("ab"), 2);
	match_zeros(&m, 0x1004 + (UINT64_C(1) << 40), 1);
	expect(&hits, 1, (const uint64_t[]){0x1000 + (UINT64_C(1) << 40)});
	match_release(&m);
}

/* A hole that is shorter than the pattern joins both of its sides. */
static void over_a_short_hole(void **state)
{
	struct hits hits;
	struct match m = begin(&hits, "a\0\0\0b", 5);

	(void)state;
	match_bytes(&m, 10, bytes("a"), 1);
	match_zeros(&m, 11, 3);
	match_bytes(&m, 14, bytes("ba"), 2);
	match_zeros(&m, 16, 4);
	match_bytes(&m, 20, bytes("b"), 1);
	expect(&hits, 1, (const uint64_t[]){10});
	match_release(&m);
}

static void zeros_are_found(void **state)
{
	struct hits hits;
	struct match m = begin(&hits, "\0\0", 2);

	(void)state;
	hits.most = 3;
	assert_true(match_bytes(&m, 0, bytes("x\0"), 2));
	assert_false(match_zeros(&m, 2, UINT64_C(1) << 40));
	expect(&hits, 3, (const uint64_t[]){1, 2, 3});
	match_release(&m);
}

static void pointers_into_an_object(void **state)
{
	uint64_t words[6] = {0x4fff, 0x5000, 0x500f, 0x5010, 0, UINT64_MAX};
	struct hits hits = {.most = HITS};
	struct match m = {.low = 0x5000, .high = 0x5010, .hit = add, .arg = &hits};

	(void)state;
	match_init(&m);
	assert_true(match_bytes(&m, 0x100, (const uint8_t *)words, sizeof(words)));
	assert_true(match_zeros(&m, 0x1000, UINT64_C(1) << 46));
	expect(&hits, 2, (const uint64_t[]){0x108, 0x110});
	match_release(&m);
}

static void pointers_are_aligned(void **state)
{
	uint8_t raw[24] = {0};
	struct hits hits = {.most = HITS};
	struct match m = {.low = 0x5000, .high = 0x5001, .hit = add, .arg = &hits};

	(void)state;
	raw[5] = raw[12] = 0x50; /* at 4 and at 11; from 0x104 on the first is aligned */
	match_init(&m);
	match_bytes(&m, 0x104, raw, sizeof(raw));
	expect(&hits, 1, (const uint64_t[]){0x108});
	match_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_overlap),	   cmocka_unit_test(over_borders),
		cmocka_unit_test(in_single_bytes),	   cmocka_unit_test(longer_than_a_page),
		cmocka_unit_test(gaps_separate),	   cmocka_unit_test(zeros_are_memory_too),
		cmocka_unit_test(over_a_short_hole),	   cmocka_unit_test(zeros_are_found),
		cmocka_unit_test(pointers_into_an_object), cmocka_unit_test(pointers_are_aligned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
