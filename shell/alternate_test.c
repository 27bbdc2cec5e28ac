// SPDX-License-Identifier: Apache-2.0
#include "shell/alternate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_pieces(void **state)
{
	static const struct {
		const char *piece;
		bool on;
	} pieces[] = {
		{"plain\033[1m", false},
		{"\033[?10", false},
		{"49h", true},
		{"\033[?1049", true},
		{"xl\033[?25l", true},
		{"\033\033[?1049l", false},
		{"\033[?1049h\033[?1049l\033[?1049h", true},
		{"", true},
	};
	struct alternate alternate = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		alternate_watch(&alternate, pieces[i].piece, strlen(pieces[i].piece));
		assert_int_equal(alternate.on, pieces[i].on);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_pieces)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
