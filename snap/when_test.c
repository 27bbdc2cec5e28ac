// SPDX-License-Identifier: Apache-2.0
/* Stretches and intervals of rows that are at hand. */
#include "snap/when.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* "1..3 4 5..6": the stretches. */
static char *stretches(const struct when_row *rows, size_t count)
{
	char *text = sn_strdup("");
	size_t n;

	for (size_t i = 0; i < count; i += n) {
		sn_auto_free char *before = text;

		n = when_stretch(rows, count, i);
		assert_true(n > 0 && i + n <= count);
		text = sn_asprintf("%s%s%d-%d", before, i ? " " : "", (int)rows[i].id,
				   (int)rows[i + n - 1].id);
	}
	return text;
}

/* "1-2 2-3": the intervals of a kind; "1=3": the same as one run. */
static char *runs(const struct when_row *rows, size_t count, enum when_change change)
{
	char *text = sn_strdup("");
	size_t at = 0, n;

	for (; (n = when_run(rows, count, change, &at)); at += n) {
		sn_auto_free char *before = text;

		assert_true(at + n <= count);
		text = sn_asprintf("%s%s%d%s%d", before, *before ? " " : "", (int)rows[at].parent,
				   n > 1 ? "=" : "-", (int)rows[at + n - 1].id);
	}
	assert_int_equal(when_run(rows, count, change, &at), 0);
	return text;
}

static void check(const struct when_row *rows, size_t count, const char *wanted,
		  const char *changed, const char *maybe)
{
	sn_auto_free char *a = stretches(rows, count);
	sn_auto_free char *b = runs(rows, count, WHEN_CHANGED);
	sn_auto_free char *c = runs(rows, count, WHEN_MAYBE);

	assert_string_equal(a, wanted);
	assert_string_equal(b, changed);
	assert_string_equal(c, maybe);
}

#define ROW(ID, PARENT, VALUE, CHANGE) \
	{.id = (ID), .parent = (PARENT), .value = (char *)(VALUE), .change = (CHANGE)}
#define ERROR(ID, PARENT, TEXT, CHANGE) \
	{.id = (ID), .parent = (PARENT), .error = (char *)(TEXT), .change = (CHANGE)}

static void a_chain(void **state)
{
	static const struct when_row rows[] = {
		ROW(1, 0, "5", WHEN_FIRST),   ROW(2, 1, "5", WHEN_SAME),
		ROW(3, 2, "5", WHEN_MAYBE),   ROW(4, 3, "6", WHEN_CHANGED),
		ROW(6, 4, "7", WHEN_CHANGED), ROW(7, 6, "7", WHEN_MAYBE),
		ROW(8, 7, "7", WHEN_MAYBE),   ROW(9, 8, "7", WHEN_SAME),
		ROW(10, 9, "7", WHEN_MAYBE),
	};

	(void)state;
	check(rows, 0, "", "", "");
	check(rows, 1, "1-1", "", "");
	check(rows, 3, "1-3", "", "2-3");
	check(rows, 9, "1-3 4-4 6-10", "3=6", "2-3 6=8 9-10");
}

/* What was taken after a revert is compared with what was gone back to. */
static void a_branch(void **state)
{
	static const struct when_row rows[] = {
		ROW(1, 0, "5", WHEN_FIRST), ROW(2, 1, "6", WHEN_CHANGED),
		ROW(3, 2, "6", WHEN_SAME),  ROW(4, 1, "6", WHEN_CHANGED),
		ROW(5, 4, "6", WHEN_SAME),  ROW(6, 1, "5", WHEN_SAME),
		ROW(7, 0, "5", WHEN_FIRST),
	};

	(void)state;
	check(rows, sn_countof(rows), "1-1 2-3 4-5 6-6 7-7", "1-2 1-4", "");
}

static void errors(void **state)
{
	static const struct when_row rows[] = {
		ERROR(1, 0, "no", WHEN_FIRST),	 ERROR(2, 1, "no", WHEN_SAME),
		ERROR(3, 2, "not", WHEN_CHANGED), ROW(4, 3, "not", WHEN_CHANGED),
	};

	(void)state;
	check(rows, sn_countof(rows), "1-2 3-3 4-4", "2=4", "");
}

static void names(void **state)
{
	(void)state;
	for (enum when_change change = WHEN_FIRST; change <= WHEN_MAYBE; change++)
		assert_int_equal(when_change_of(when_change_name(change)), change);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain),
		cmocka_unit_test(a_branch),
		cmocka_unit_test(errors),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
