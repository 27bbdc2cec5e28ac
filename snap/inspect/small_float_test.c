// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/small_float.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after what it leans on */
#include <cmocka.h>

static void what_is_known(void **state)
{
	static const struct {
		uint16_t raw;
		bool is_bfloat;
		long double number;
	} known[] = {
		{0x3c00, false, 1},	   {0xc000, false, -2},	      {0x7bff, false, 65504},
		{0x0001, false, 0x1p-24L}, {0x0400, false, 0x1p-14L}, {0x3f80, true, 1},
		{0xc080, true, -4},	   {0x0001, true, 0x1p-133L}, {0x7f80, true, INFINITY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		assert_true(small_float_read(known[i].raw, known[i].is_bfloat) == known[i].number);
		assert_int_equal(small_float_write(known[i].number, known[i].is_bfloat),
				 known[i].raw);
	}
}

static void there_and_back(void **state)
{
	(void)state;
	for (unsigned raw = 0; raw <= UINT16_MAX; raw++) {
		long double half = small_float_read((uint16_t)raw, false);
		long double bfloat = small_float_read((uint16_t)raw, true);

		if (!isnan(half))
			assert_int_equal(small_float_write(half, false), raw);
		if (!isnan(bfloat))
			assert_int_equal(small_float_write(bfloat, true), raw);
	}
}

static void rounding(void **state)
{
	(void)state;
	assert_int_equal(small_float_write(1 + 0x1p-11L, false), 0x3c00); /* a tie, to even */
	assert_int_equal(small_float_write(1 + 0x1.8p-10L, false), 0x3c02);
	assert_int_equal(small_float_write(65519, false), 0x7bff);
	assert_int_equal(small_float_write(65520, false), 0x7c00);
	assert_int_equal(small_float_write(1e30L, false), 0x7c00);
	assert_int_equal(small_float_write(-1e-30L, false), 0x8000);
	assert_true(isnan(small_float_read(small_float_write(NAN, true), true)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_known),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(rounding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
