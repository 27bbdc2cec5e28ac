/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of the x87, SSE and AVX units, as `info registers` has them. Internal to
 * snap/inspect/. */
#ifndef SNAP_INSPECT_REGISTER_STATE_H
#define SNAP_INSPECT_REGISTER_STATE_H

#include "snap/inspect/internal.h"

enum state_group {
	STATE_FLOAT,
	STATE_VECTOR,
};

/* One line for "st0", "fctrl", "mxcsr", "xmm3", "ymm3"; false: there is none of that name, or the
 * snapshot does not have it. */
bool state_print(FILE *out, const Sn__Registers *registers, const char *name);
/* The lines of a group, in gdb's order. */
void state_print_group(FILE *out, const Sn__Registers *registers, enum state_group group);

/* "[ IF ZF ]": the names of the bits that are set; "" where a bit has none. */
void state_print_flags(FILE *out, uint64_t flags, const char *const *names, size_t count);

#endif
