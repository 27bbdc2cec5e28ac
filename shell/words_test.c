// SPDX-License-Identifier: Apache-2.0
#include "shell/options.h"
#include "shell/words.h"

#include "core/base/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* after what it leans on */
#include <cmocka.h>

static void expect_words(const char *line, size_t count, const char *const *want)
{
	struct words words;
	struct sn_err err;

	assert_int_equal(words_split(&words, line, &err), 0);
	assert_int_equal(words.count, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(words.words[i], want[i]);
	assert_null(words.words[count]);
	words_release(&words);
}

static void blanks_separate(void **state)
{
	(void)state;
	expect_words("", 0, NULL);
	expect_words("  \t ", 0, NULL);
	expect_words(" list\tmyapp ", 2, (const char *[]){"list", "myapp"});
	expect_words("a b c d", 4, (const char *[]){"a", "b", "c", "d"});
}

static void quotes_join(void **state)
{
	(void)state;
	expect_words("snap -m \"before the boss\"", 3,
		     (const char *[]){"snap", "-m", "before the boss"});
	expect_words("'a \"b\\' c", 2, (const char *[]){"a \"b\\", "c"});
	expect_words("a\\ b \"c\\\"d\"", 2, (const char *[]){"a b", "c\"d"});
	expect_words("'' x", 2, (const char *[]){"", "x"});
	expect_words("ab'c d'e", 1, (const char *[]){"abc de"});
}

static void comments_end_the_line(void **state)
{
	(void)state;
	expect_words("# nothing", 0, NULL);
	expect_words("list # all", 1, (const char *[]){"list"});
	expect_words("list a#b", 2, (const char *[]){"list", "a#b"});
}

static void open_quotes_fail(void **state)
{
	static const char *const lines[] = {"a 'b", "\"", "a \"b\\", "'"};

	(void)state;
	for (size_t i = 0; i < sn_countof(lines); i++) {
		struct words words;
		struct sn_err err;

		assert_int_equal(words_split(&words, lines[i], &err), -1);
		assert_non_null(strstr(err.text, "without its partner"));
	}
}

static void semicolons_end_a_command(void **state)
{
	static const struct {
		const char *line;
		bool text;
		size_t len;
	} cases[] = {
		{"", false, 0},		 {"list", false, 4},	  {"list; apps", false, 4},
		{";", false, 0},	 {"a ';' b;c", false, 7}, {"a \";\" b;c", false, 7},
		{"a \\; b;c", false, 6}, {"a # b;c", false, 7},	  {"a#b;c", false, 3},
		{"p '\\'';c", true, 6},	 {"p '\\'';c", false, 8}, {"p \"\\\";\"; c", true, 7},
		{"p a # b;c", true, 7},	 {"a 'b;c", false, 6},	  {"a \\", false, 3},
		{"# a;\n", false, 5},
	};

	(void)state;
	for (size_t i = 0; i < sn_countof(cases); i++)
		assert_int_equal(words_command(cases[i].line, cases[i].text), cases[i].len);
}

static void a_command_goes_on_without_its_text(void **state)
{
	static const struct command_option options[] = {{'r', "ref", "REF", ""}, {0}};
	static const char *const cases[][2] = {
		{"x &a", "x "},
		{"  x/4xw &a + 1", "x/4xw"},
		{"x /4xw &a", "x /4xw"},
		{"x -r a@1 /s p", "x -r a@1 /s"},
		{"x", "x"},
	};

	(void)state;
	for (size_t i = 0; i < sn_countof(cases); i++) {
		sn_auto_free char *line = words_going_on(cases[i][0], options);

		assert_string_equal(line, cases[i][1]);
	}
}

static const struct command_option own[] = {
	{'n', "name", "NAME", ""},
	{'d', "detach", NULL, ""},
	{0},
};

static const struct command_option common[] = {
	{0, "json", NULL, ""},
	{0},
};

struct outcome {
	const char *own[2];
	const char *common[1];
	size_t count;
	int rc;
	struct sn_err err;
};

static struct outcome parse(char **argv, bool words_last)
{
	struct outcome o = {0};
	struct option_set sets[2] = {{own, o.own}, {common, o.common}};

	o.rc = options_parse(sets, words_last, argv, &o.count, &o.err);
	return o;
}

static void every_form_of_a_value(void **state)
{
	char *forms[][6] = {
		{"-n", "x", "w"},  {"-nx", "w"},     {"--name", "x", "w"},
		{"--name=x", "w"}, {"w", "-n", "x"}, {"w", "-nx"},
	};

	(void)state;
	for (size_t i = 0; i < sn_countof(forms); i++) {
		struct outcome o = parse(forms[i], false);

		assert_int_equal(o.rc, 0);
		assert_string_equal(o.own[0], "x");
		assert_null(o.own[1]);
		assert_int_equal(o.count, 1);
		assert_string_equal(forms[i][0], "w");
		assert_null(forms[i][1]);
	}
}

static void flags_and_ends(void **state)
{
	char *joined[] = {"-dn", "x", "--json", NULL};
	char *ended[] = {"-d", "--", "-n", "x", NULL};
	char *last[] = {"-d", "cmd", "-n", "--", "x", NULL};
	struct outcome o = parse(joined, false);

	(void)state;
	assert_int_equal(o.rc, 0);
	assert_non_null(o.own[1]);
	assert_non_null(o.common[0]);
	assert_string_equal(o.own[0], "x");
	assert_int_equal(o.count, 0);

	o = parse(ended, false);
	assert_int_equal(o.count, 2);
	assert_string_equal(ended[0], "-n");
	assert_null(o.own[0]);

	o = parse(last, true);
	assert_int_equal(o.count, 4);
	assert_string_equal(last[1], "-n");
	assert_string_equal(last[2], "--");
	assert_null(o.own[0]);
}

static void wrong_options_fail(void **state)
{
	char *lines[][4] = {
		{"--nope"}, {"-x"},  {"-dx"},	   {"--name"},
		{"-n"},	    {"-dn"}, {"--json=1"}, {"--nam", "x"},
	};

	(void)state;
	for (size_t i = 0; i < sn_countof(lines); i++)
		assert_int_equal(parse(lines[i], false).rc, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blanks_separate),
		cmocka_unit_test(quotes_join),
		cmocka_unit_test(comments_end_the_line),
		cmocka_unit_test(open_quotes_fail),
		cmocka_unit_test(every_form_of_a_value),
		cmocka_unit_test(flags_and_ends),
		cmocka_unit_test(wrong_options_fail),
		cmocka_unit_test(semicolons_end_a_command),
		cmocka_unit_test(a_command_goes_on_without_its_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
