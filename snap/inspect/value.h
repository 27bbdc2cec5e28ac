/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values: a type, and bytes that are at hand or lie in the snapshot's memory. Internal to
 * snap/inspect/.
 *
 * Values live as long as the inspect. What lies in memory is read when its bytes are asked for,
 * and only the part that is asked for.
 */
#ifndef SNAP_INSPECT_VALUE_H
#define SNAP_INSPECT_VALUE_H

#include "snap/inspect/location.h"

/* Where the bytes of a value are that has no address: pieces in a frame. */
struct home {
	struct context context;
	size_t count;
	struct piece pieces[];
};

enum { VALUE_BYTES_MAX = 1 << 28 }; /* what is larger is not read whole */

struct value {
	struct type *type;
	bool in_memory;
	uint64_t addr;
	uint8_t *bytes;	 /* NULL: still in memory */
	bool is_absent;	 /* optimized out */
	uint8_t *absent; /* a byte each that is; NULL: none */
	unsigned bit_offset, bit_size;
	unsigned reg;	    /* with is_register: DWARF's number and 1; 0: in no single one */
	bool is_register;   /* has no address */
	const char *string; /* the function or symbol it is: for "<x>" */
	bool is_fixed;	    /* of the history */
	struct home *home;  /* NULL: none, as it has an address or no place at all */
	size_t home_at;	    /* where in it */
};

struct value *value_new(struct inspect *in, struct type *type);
struct value *value_at(struct inspect *in, struct type *type, uint64_t addr);
struct value *value_number(struct inspect *in, struct type *type, uint64_t number);
struct value *value_float(struct inspect *in, struct type *type, long double number);
/* A variable, parameter or function of a DIE; an enumerator. NULL: failed. */
struct value *value_of(const struct context *context, Dwarf_Die *die, struct sn_err *err);

/* Its bytes; NULL with an error. Of an absent one: as it is, is_absent. */
const uint8_t *value_bytes(struct inspect *in, struct value *value, struct sn_err *err);

/* What scalars are as numbers. An absent value is an error here. */
int value_to_number(struct inspect *in, struct value *value, int64_t *number, struct sn_err *err);
int value_to_float(struct inspect *in, struct value *value, long double *number,
		   struct sn_err *err);
bool value_is_zero(struct inspect *in, struct value *value, bool *zero, struct sn_err *err);

/* Parts; NULL: failed. */
struct value *value_member(struct inspect *in, struct value *value, const struct member *member,
			   struct sn_err *err);
struct value *value_element(struct inspect *in, struct value *value, uint64_t i,
			    struct sn_err *err);
/* A member by name, also of unnamed structs and bases within. */
struct value *value_named(struct inspect *in, struct value *value, const char *name,
			  struct sn_err *err);
struct value *value_deref(struct inspect *in, struct value *value, struct sn_err *err);
struct value *value_address(struct inspect *in, struct value *value, struct sn_err *err);
struct value *value_cast(struct inspect *in, struct value *value, struct type *type,
			 struct sn_err *err);
/* Where a value says: that of an array or function itself, else the number it is. */
int value_to_address(struct inspect *in, struct value *value, uint64_t *addr, struct sn_err *err);
/* An array as the pointer to its first element, a function as one to itself; else as it is. */
struct value *value_decay(struct inspect *in, struct value *value, struct sn_err *err);

/* ---- arith.c: op is a character of C, or one of the following ---- */

enum {
	OP_SHL = 256,
	OP_SHR,
	OP_LE,
	OP_GE,
	OP_EQ,
	OP_NE,
	OP_AND,
	OP_OR,
	OP_ARROW,
	OP_SCOPE,
	OP_INCREMENT,
	OP_DECREMENT,
	OP_SUBSCRIPT, /* a[b] where it is named */
	OP_DOT_STAR,
	OP_ARROW_STAR,
	OP_MODIFY = 1024, /* and an operator: += and its like */
};
bool value_is_struct(struct value *value);
/* What a struct answers to an operator, in gdb's words: C++ would call a function for it. */
struct value *value_no_operator(struct inspect *in, int op, struct value *value,
				struct sn_err *err);
struct value *value_unary(struct inspect *in, int op, struct value *value, struct sn_err *err);
struct value *value_binary(struct inspect *in, int op, struct value *a, struct value *b,
			   struct sn_err *err);

/* ---- assign.c ---- */

/* A scalar as it is now, whatever comes. */
struct value *value_kept(struct inspect *in, struct value *value, struct sn_err *err);
/* `name` is how the left side was written. What that then is. */
struct value *value_assign(struct inspect *in, const char *name, struct value *to,
			   struct value *from, struct sn_err *err);

/* ---- member_pointer.c ---- */

/* What a pointer to a member is in an object; dry: of its type. */
struct value *value_of_member_pointer(struct inspect *in, struct value *object,
				      struct value *pointer, bool dry, struct sn_err *err);

/* ---- home.c ---- */

struct home *home_new(const struct context *context, const struct piece *pieces, size_t count);
int home_write(const struct home *home, size_t at, const uint8_t *bytes, size_t len,
	       struct sn_err *err);

#endif
