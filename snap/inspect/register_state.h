/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of the x87, SSE and AVX units, as XSAVE wrote them. Internal to snap/inspect/. */
#ifndef SNAP_INSPECT_REGISTER_STATE_H
#define SNAP_INSPECT_REGISTER_STATE_H

#include "snap/inspect/internal.h"

enum state_kind {
	STATE_CONTROL, /* fctrl and its like: a number of 4 bytes */
	STATE_X87,     /* st0: 10 bytes */
	STATE_MXCSR,   /* 4 bytes */
	STATE_XMM,     /* 16 bytes */
	STATE_YMM,     /* 32 bytes */
};

struct state_register {
	enum state_kind kind;
	unsigned number; /* 3 of xmm3 */
	size_t size;
	uint8_t bytes[32];
};

/* "st0", "fctrl", "mxcsr", "xmm3", "ymm3"; false: there is none of that name, or the snapshot does
 * not have it. */
bool state_find(const Sn__Registers *registers, const char *name, struct state_register *found);

enum state_group {
	STATE_FLOAT,
	STATE_VECTOR,
};
enum { STATE_NAME_MAX = 8 };
/* The i-th name of a group, in gdb's order; false: there are not as many. */
bool state_name(const Sn__Registers *registers, enum state_group group, size_t i,
		char name[STATE_NAME_MAX]);

#endif
