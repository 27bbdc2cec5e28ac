/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floating numbers of two bytes: IEEE's half (5 bits of exponent, 10 of fraction), and bfloat16
 * (8 and 7, the upper half of a float). Internal to snap/inspect/.
 */
#ifndef SNAP_INSPECT_SMALL_FLOAT_H
#define SNAP_INSPECT_SMALL_FLOAT_H

#include <stdbool.h>
#include <stdint.h>

long double small_float_read(uint16_t raw, bool is_bfloat);
/* Rounds to the nearest, ties to even; what is too large is infinite. */
uint16_t small_float_write(long double number, bool is_bfloat);

#endif
