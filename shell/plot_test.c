// SPDX-License-Identifier: Apache-2.0
#include "shell/plot.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void check(const struct plot *plot, const double *values, size_t count, const char *wanted)
{
	sn_auto_free char *text = plot_draw(plot, values, count);

	assert_string_equal(text, wanted);
}

static void ascii_bars(void **state)
{
	const struct plot plot = {.width = 13, .height = 3, .top = "50", .bottom = "0"};
	static const double rising[] = {0, 10, 20, 30, 40, 50, 40, 20, 10, 0};
	static const double two[] = {0, 50};
	static const double half[] = {0, NAN, 50, 25, NAN, 0, 0, 0, INFINITY, -INFINITY};

	(void)state;
	/* one column has two of the ten: the greatest */
	check(&plot, rising, 10,
	      "50 |    .#.\n"
	      "   |  .####.\n"
	      " 0 |.########\n");
	check(&plot, two, 2,
	      "50 |     ####\n"
	      "   |     ####\n"
	      " 0 |.....####\n");
	check(&plot, half, 10,
	      "50 |  #\n"
	      "   |  ##\n"
	      " 0 |. ## ...\n");
}

static void blocks(void **state)
{
	const struct plot plot = {.width = 11, .height = 2, .blocks = true, .top = "2",
				  .bottom = "1"};
	static const double values[] = {1, 1.25, 1.5, 1.75, 2, 1, 1, 1};

	(void)state;
	check(&plot, values, 8,
	      "2 |  \u2581\u2584\u2588\n"
	      "1 |\u2581\u2585\u2588\u2588\u2588\u2581\u2581\u2581\n");
}

/* The same one everywhere, the whole range of doubles, nothing, no room. */
static void edges(void **state)
{
	struct plot plot = {.width = 11, .height = 2, .top = "t", .bottom = "b"};
	static const double same[] = {5, 5};
	static const double far[] = {-1.7e308, 1.7e308};
	static const double none[] = {NAN, INFINITY};

	(void)state;
	check(&plot, same, 2, "t |\nb |........\n");
	check(&plot, far, 2, "t |    ####\nb |....####\n");
	check(&plot, none, 2, "");
	check(&plot, none, 0, "");
	plot.width = 10;
	check(&plot, same, 2, "");
	plot.width = 0;
	check(&plot, same, 2, "");
}

static void locales(void **state)
{
	(void)state;
	unsetenv("LC_ALL");
	unsetenv("LC_CTYPE");
	unsetenv("LANG");
	assert_false(plot_has_blocks());
	setenv("LANG", "de_DE.UTF-8", 1);
	assert_true(plot_has_blocks());
	setenv("LC_CTYPE", "C", 1);
	assert_false(plot_has_blocks());
	setenv("LC_ALL", "C.utf8", 1);
	assert_true(plot_has_blocks());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ascii_bars),
		cmocka_unit_test(blocks),
		cmocka_unit_test(edges),
		cmocka_unit_test(locales),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
