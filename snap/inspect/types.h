/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types as expressions need them: from DIEs, and made of others. Internal to snap/inspect/.
 *
 * A type lives as long as the inspect. Those of one DIE are one; members are read when they are
 * first asked for, so that a type costs what is looked at.
 */
#ifndef SNAP_INSPECT_TYPES_H
#define SNAP_INSPECT_TYPES_H

#include "snap/inspect/internal.h"

enum type_kind {
	TYPE_VOID,
	TYPE_INT,
	TYPE_CHAR,
	TYPE_BOOL,
	TYPE_FLOAT,
	TYPE_COMPLEX,
	TYPE_ENUM,
	TYPE_POINTER,
	TYPE_REFERENCE,
	TYPE_ARRAY,
	TYPE_STRUCT,
	TYPE_UNION,
	TYPE_FUNCTION,
	TYPE_TYPEDEF,
	TYPE_QUALIFIED, /* const, volatile, restrict, _Atomic of its target */
	TYPE_MEMBER,	/* C++: a pointer to a member */
	TYPE_SYMBOL,	/* of an ELF symbol: nothing is known but where it is */
};

struct type;

/* Of a struct or union; a parameter of a function; an enumerator. */
struct member {
	const char *name; /* NULL: none */
	struct type *type;
	uint64_t offset;     /* in bytes */
	unsigned bit_offset; /* from the lowest bit of that byte */
	unsigned bit_size;   /* 0: no bitfield */
	int64_t value;	     /* of an enumerator */
	bool inherits;	     /* a base class */
	bool is_static;	     /* of a class: a variable, named `name` in it */
	Dwarf_Die die;
};

struct type {
	enum type_kind kind;
	const char *name; /* NULL: none; "const", ... of a TYPE_QUALIFIED */
	uint64_t size;	  /* in bytes */
	bool is_signed;
	bool is_incomplete; /* declared only */
	bool is_class;
	bool is_rvalue;	 /* of a reference: && */
	bool is_scoped;	 /* an enum class */
	bool is_unicode; /* char16_t, char32_t */
	bool is_vector;
	bool is_number; /* of one byte: no character */
	bool is_bfloat; /* of a floating type of two bytes: not IEEE's */
	bool has_count; /* of an array */
	bool is_prototyped;
	uint64_t count;
	const char *const *flags; /* an integer's bits by name; "": none; NULL: it is no such */
	size_t flag_count;
	struct type *target; /* pointed to, element, result, meant; NULL: void */
	struct type *class;  /* of a pointer to a member: whose */

	struct module *module;
	Dwarf_Die die;
	bool has_die;
	bool has_members;
	struct member *members; /* through type_members */
	size_t member_count;
};

/* The type of a DIE that is one; of what `die` has as DW_AT_type (void when it has none). */
struct type *type_of(struct inspect *in, struct module *module, Dwarf_Die *die);
struct type *type_at(struct inspect *in, struct module *module, Dwarf_Die *die);

/* Made of others. */
struct type *type_pointer(struct inspect *in, struct type *target);
struct type *type_array(struct inspect *in, struct type *element, uint64_t count);

/* The basic ones of C, by size and sign. */
enum basic {
	BASIC_VOID,
	BASIC_CHAR,
	BASIC_SCHAR,
	BASIC_UCHAR,
	BASIC_SHORT,
	BASIC_USHORT,
	BASIC_INT,
	BASIC_UINT,
	BASIC_LONG,
	BASIC_ULONG,
	BASIC_LONGLONG,
	BASIC_ULONGLONG,
	BASIC_FLOAT,
	BASIC_DOUBLE,
	BASIC_LONGDOUBLE,
	BASIC_INT128,
	BASIC_UINT128,
	BASIC_BOOL,
	BASIC_COUNT,
};
struct type *type_basic(struct inspect *in, enum basic basic);
/* int8_t and its like as gdb has them: a number, also of one byte, where a char is text. */
struct type *type_fixed(struct inspect *in, unsigned size, bool is_signed);
/* What a comparison is: int, in C++ bool. */
struct type *type_truth(struct inspect *in);

/* Without typedefs and qualifiers. */
struct type *type_strip(struct type *type);
/* Fills type->members of a struct, union, enum or function; an incomplete type is looked for
 * in other units by its name. */
void type_members(struct inspect *in, struct type *type);

bool type_is_integer(struct type *type); /* enums, characters and booleans too */
bool type_is_scalar(struct type *type);	 /* and floats and pointers */
bool type_is_wide(struct type *type);	 /* an integer of more than 8 bytes */

/* ---- type_print.c ---- */

/* As whatis and casts have it: "struct job *", "int [3]", "void (*)(int)"; malloc'd. */
char *type_name(struct inspect *in, struct type *type);
/* Of a variable or function: "int numbers[20]"; malloc'd. */
char *type_declaration(struct inspect *in, struct type *type, const char *name);
/* As ptype has it: structs with their members; malloc'd. */
char *type_text(struct inspect *in, struct type *type);
/* The same with offsets and sizes, and "type = ". */
char *type_text_offsets(struct inspect *in, struct type *type);

#endif
