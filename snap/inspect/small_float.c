// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/small_float.h"

#include <math.h>

enum { SIGN = 0x8000 };

static int fraction_bits(bool is_bfloat)
{
	return is_bfloat ? 7 : 10;
}

/* Also the exponent that infinity has, above it. */
static int bias(bool is_bfloat)
{
	return is_bfloat ? 127 : 15;
}

long double small_float_read(uint16_t raw, bool is_bfloat)
{
	int bits = fraction_bits(is_bfloat), fraction = raw & ((1 << bits) - 1);
	int exponent = (raw & ~SIGN) >> bits, top = 2 * bias(is_bfloat) + 1;
	long double number;

	if (exponent == top)
		number = fraction ? (long double)NAN : (long double)INFINITY;
	else if (exponent == 0)
		number = ldexpl(fraction, 1 - bias(is_bfloat) - bits);
	else
		number = ldexpl(fraction + (1 << bits), exponent - bias(is_bfloat) - bits);
	return raw & SIGN ? -number : number;
}

uint16_t small_float_write(long double number, bool is_bfloat)
{
	int bits = fraction_bits(is_bfloat), top = 2 * bias(is_bfloat) + 1, exponent;
	unsigned sign = signbit(number) ? SIGN : 0, steps;

	if (isnan(number))
		return (uint16_t)(sign | (unsigned)top << bits | 1U << (bits - 1));
	if (number == 0)
		return (uint16_t)sign;
	if (isinf(number))
		return (uint16_t)(sign | (unsigned)top << bits);
	frexpl(number, &exponent);
	exponent += bias(is_bfloat) - 1;
	exponent = exponent < 1 ? 1 : exponent; /* below it numbers lie as densely as there */
	if (exponent >= top)
		return (uint16_t)(sign | (unsigned)top << bits);
	/* a carry out of the fraction goes into the exponent, as it must */
	steps = (unsigned)rintl(ldexpl(fabsl(number), bias(is_bfloat) + bits - exponent));
	return (uint16_t)(sign | (((unsigned)(exponent - 1) << bits) + steps));
}
