// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/find.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* after what it leans on */
#include <cmocka.h>

static void expect_format(const char *text, char size, bool has_max, size_t max, const char *rest)
{
	struct find_format format;
	struct sn_err err;

	assert_int_equal(find_parse_format(&text, &format, &err), 0);
	assert_int_equal(format.size, size);
	assert_int_equal(format.has_max, has_max);
	assert_int_equal(format.max, max);
	assert_string_equal(text, rest);
}

static void formats(void **state)
{
	(void)state;
	expect_format("&x, +4, 1", 0, false, 0, "&x, +4, 1");
	expect_format("  1", 0, false, 0, "1");
	expect_format("/b 1", 'b', false, 0, "1");
	expect_format("/2b 1", 'b', true, 2, "1");
	expect_format("/b2\t 1", 'b', true, 2, "1");
	expect_format("/w /12 x/2", 'w', true, 12, "x/2");
	expect_format("/12/g x", 'g', true, 12, "x");
	expect_format("/bg x", 'g', false, 0, "x");
	expect_format("/0", 0, true, 0, "");
	expect_format("/ x", 0, false, 0, "x");
}

static void wrong_formats(void **state)
{
	static const char *const wrong[] = {"/x 1", "/b2&x", "/-1 x", "/w, x", "/b /q 1"};
	struct find_format format;
	struct sn_err err;

	(void)state;
	for (size_t i = 0; i < sn_countof(wrong); i++) {
		const char *text = wrong[i];

		assert_int_equal(find_parse_format(&text, &format, &err), -1);
		assert_string_equal(err.text, "Invalid size granularity.");
	}
}

/* A pattern of 4 bytes is looked for from 1000 on. */
static void expect_reached(uint64_t readable, size_t count, const uint64_t *addrs, bool goes_on,
			   size_t reached, uint64_t start, uint64_t end)
{
	struct find_range range = {1000, 1000 + 100000, readable, 4}, unread;
	struct find_hit hits[4] = {0};

	for (size_t i = 0; i < count; i++)
		hits[i].addr = addrs[i];
	assert_int_equal(find_reached(hits, count, goes_on, &range, &unread), reached);
	assert_int_equal(unread.start, start);
	assert_int_equal(unread.end, end);
}

static void what_gdb_reaches(void **state)
{
	const uint64_t hits[] = {1500, 30000};

	(void)state;
	expect_reached(101000, 2, hits, true, 2, 0, 0);
	expect_reached(1000, 0, hits, true, 0, 1000, 17003);
	expect_reached(17002, 0, hits, true, 0, 1000, 17003);
	expect_reached(17003, 0, hits, true, 0, 17003, 33003);
	expect_reached(100999, 0, hits, true, 0, 97003, 101000);
	/* found in a piece that can be read, then on from there */
	expect_reached(20000, 1, hits, true, 1, 17504, 33504);
	expect_reached(20000, 1, hits, false, 1, 0, 0);
	/* found behind what gdb reads, which comes in one piece with what it cannot read */
	expect_reached(33000, 2, hits, true, 1, 17504, 33504);
	expect_reached(33504, 2, hits, true, 2, 30001, 46004);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test(wrong_formats),
		cmocka_unit_test(what_gdb_reaches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
