// SPDX-License-Identifier: Apache-2.0
#include "shell/complete.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* after what it leans on */
#include <cmocka.h>

static void an_operand_begins_where_it_binds(void **state)
{
	/* "|" is in front of the operand */
	static const char *const cases[] = {
		"|job",	   "1 + |job", "|jobs[1]", "|jobs[i + f(2)].owner",
		"*|p",	   "(int)|x",  "-|(*p)",   "|a.b->c",
		"a+|b",	   "f(1, |x",  "|$1",	   "|m[1][2].a",
		"|f(1).b", "|",	       "a ? |b",
	};

	(void)state;
	for (size_t i = 0; i < sn_countof(cases); i++) {
		size_t want = (size_t)(strchr(cases[i], '|') - cases[i]);
		char text[64];

		snprintf(text, sizeof(text), "%.*s%s", (int)want, cases[i], cases[i] + want + 1);
		assert_int_equal(complete_operand(text, strlen(text)), want);
	}
}

static void brackets_without_partner_end_nothing(void **state)
{
	static const char *const cases[] = {"]", ")", "a]", "a)]", "])", ".", "->", "a->", "[.)"};

	(void)state;
	for (size_t i = 0; i < sn_countof(cases); i++)
		assert_true(complete_operand(cases[i], strlen(cases[i])) <= strlen(cases[i]));
}

/* What a line goes on with, blanks between. */
static void expect(const char *line, size_t len, const char *want)
{
	char dir[] = "/tmp/snapsh-complete-XXXXXX";
	sn_auto_free char *catalog = NULL;
	struct shell shell;
	struct complete complete;
	sn_auto_fd int fd = -1;
	char got[512] = "";

	/* a catalog that is not there, and cannot be made: its directory is a file */
	fd = mkstemp(dir);
	assert_true(fd >= 0);
	catalog = sn_asprintf("%s/catalog", dir);
	shell_init(&shell, catalog);
	shell.interactive = true;
	complete_line(&complete, &shell, line);
	unlink(dir);
	for (size_t i = 0; i < complete.count; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i ? " " : "",
			 complete.words[i]);
	assert_string_equal(got, want);
	if (complete.count)
		assert_int_equal(complete.len, len);
	complete_release(&complete);
	shell_fini(&shell);
}

static void lines_go_on_as_the_table_says(void **state)
{
	(void)state;
	expect("und", 3, "undo");
	expect("  und", 3, "undo");
	expect("help; und", 3, "undo");
	expect("help unt", 3, "untag");
	expect("help 'a;b' && unt", 3, "");
	expect("snap --t", 3, "--tag --then --tracker");
	expect("snap --then ", 0, "kill run stop");
	expect("snap --then=s", 1, "stop");
	expect("snap -m text --then s", 1, "stop");
	expect("snap -m 'two words' --trac", 6, "--tracker");
	expect("snap -m --t", 0, "");
	expect("sna --trac", 6, "--tracker");
	expect("completion ", 0, "bash zsh");
	expect("completion bash ", 0, "");
	expect("kill -- --t", 0, "");
	expect("run -d sh --n", 0, "");
	expect("run --n", 3, "--name");
	expect("info re", 2, "registers");
	expect("info --fr", 4, "--frame");
	expect("info -t 1 re", 2, "registers");
	expect("thread ", 0, "apply");
	expect("thread apply ", 0, "all");
	expect("thread apply all b", 1, "bisect bt");
	expect("bt f", 1, "full");
	expect("comple", 6, "completion");
	expect("snap 'open", 0, "");
	expect("nonsense ", 0, "");
	expect("auto myapp o", 1, "off");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_operand_begins_where_it_binds),
		cmocka_unit_test(brackets_without_partner_end_nothing),
		cmocka_unit_test(lines_go_on_as_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
