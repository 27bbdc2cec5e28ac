/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a variable is: DWARF expressions in a frame. Internal to snap/inspect/.
 */
#ifndef SNAP_INSPECT_LOCATION_H
#define SNAP_INSPECT_LOCATION_H

#include "snap/inspect/types.h"

enum place_kind {
	PLACE_NONE, /* optimized out */
	PLACE_MEMORY,
	PLACE_REGISTER,
	PLACE_VALUE,	/* computed: nowhere, but known */
	PLACE_BYTES,	/* the same, of any length */
	PLACE_VARIABLE, /* a convenience variable */
};

/* Registers of places beyond the general ones: DWARF's numbers, and one that it does not have. */
enum {
	REG_XMM0 = 17,
	REG_XMM15 = 32,
	REG_EFLAGS = 49,
	REG_FS_BASE = 58,
	REG_GS_BASE = 59,
	REG_ORIG_RAX = 1000,
	REG_YMM0_HIGH = 1100, /* the upper half of ymm0, and so on */
};

/* Where the legacy area of NT_X86_XSTATE has xmm0. */
enum { FXSAVE_XMM = 160 };

/* One piece of an object; most have one, of all bytes. */
struct piece {
	enum place_kind kind;
	uint64_t number; /* address, register, or value */
	const uint8_t *bytes;
	struct variable *variable;
	size_t len;  /* of bytes */
	size_t size; /* of the piece; 0: all of the object */
};

enum { PIECES_MAX = 32 };

struct place {
	struct piece pieces[PIECES_MAX];
	size_t count;
};

/* Whose registers and memory; frame NULL: an object without one, a global. */
struct context {
	struct inspect *in;
	struct module *module;
	const struct frame *frame;
	size_t thread;
};

/* The place of a variable or parameter. An error is gdb's: a frame, or memory, that is missing. */
int location_of(const struct context *context, Dwarf_Die *die, struct place *place,
		struct sn_err *err);
/* Evaluates an expression that gives a number: an array's bound. */
int location_number(const struct context *context, Dwarf_Attribute *attr, uint64_t *number,
		    struct sn_err *err);
/* Evaluates an expression to the place it describes; attr NULL: it is none of an attribute. */
int location_run(const struct context *context, Dwarf_Attribute *attr, uint64_t bias,
		 const Dwarf_Op *ops, size_t count, struct place *place, struct sn_err *err);

/* A register of 16 bytes as the processor has it in the innermost frame: xmm0 and on. False:
 * not known. */
bool location_vector(const struct context *context, unsigned reg, uint8_t bytes[16]);

/* ---- cfi.c ---- */

/* The canonical frame address. */
int location_cfa(const struct context *context, uint64_t *cfa, struct sn_err *err);
/* Where a frame itself has left its caller's register: a PLACE_REGISTER when it has not. */
int location_saves(const struct context *context, unsigned reg, struct piece *piece,
		   struct sn_err *err);
/* Where a frame's register is now: a PLACE_MEMORY where an inner frame saved it, a PLACE_REGISTER
 * of the thread; PLACE_NONE: it is computed, or nobody knows. */
int location_saved(const struct context *context, unsigned reg, struct piece *piece,
		   struct sn_err *err);

/* ---- tls.c ---- */

/* Address of a thread's instance of a thread-local variable at `offset` of its module's block. */
int tls_address(const struct context *context, uint64_t offset, uint64_t *addr, struct sn_err *err);

/* ---- entry.c ---- */

/* What `reg` was when the frame's function was entered: from the call site of its caller.
 * 1 known, 0 not known. */
int entry_value(const struct context *context, unsigned reg, uint64_t *value);
/* What a parameter that is in a register at entry was then. 1 known, 0 not known. */
int entry_of_parameter(const struct context *context, Dwarf_Die *die, uint64_t *value);

/* Whether a place is one address, in a split unit by its index: that, without bias. */
bool location_address(Dwarf_Attribute *attr, const Dwarf_Op *ops, size_t count, uint64_t *addr);

#endif
