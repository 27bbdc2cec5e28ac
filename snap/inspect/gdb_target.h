/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of x86-64 under Linux as gdb's protocol has them: described to it in target.xml
 * ("Target Descriptions" in its manual), and sent in that order. Internal to snap/inspect/.
 */
#ifndef SNAP_INSPECT_GDB_TARGET_H
#define SNAP_INSPECT_GDB_TARGET_H

#include "proto/image.pb-c.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * Where the parts of an xstate lie (XSAVE, non-compacted). Up to AVX every processor has them at
 * the same place; the others are where CPUID says, if it speaks of an area of this size.
 */
enum { GDB_PARTS = 10 };
struct gdb_layout {
	uint64_t parts;		    /* bit i: part i is there */
	uint32_t offset[GDB_PARTS]; /* bytes */
};
void gdb_layout_of(const ProtobufCBinaryData *xstate, struct gdb_layout *layout);

/* target.xml. short_floats: the client knows the types of elements bfloat16 and ieee_half. */
void gdb_target_describe(FILE *out, const struct gdb_layout *layout, bool short_floats);

/* Register `number` in hexadecimal, "xx" a byte for what is not known; registers may be NULL.
 * False: there is no such number. */
bool gdb_target_register(FILE *out, const struct gdb_layout *layout, const Sn__Registers *registers,
			 uint64_t number);

/* All of them. */
void gdb_target_registers(FILE *out, const struct gdb_layout *layout,
			  const Sn__Registers *registers);

#endif
