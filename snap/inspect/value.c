// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/value.h"

#include "snap/inspect/cplus.h"
#include "snap/inspect/lookup.h"
#include "snap/inspect/small_float.h"

#include <dwarf.h>

enum { BASES_MAX = 32 }; /* deep: a struct cannot hold itself */

struct value *value_new(struct inspect *in, struct type *type)
{
	struct value *value = inspect_alloc(in, sizeof(*value));

	value->type = type;
	return value;
}

struct value *value_at(struct inspect *in, struct type *type, uint64_t addr)
{
	struct value *value = value_new(in, type);

	value->in_memory = true;
	value->addr = addr;
	return value;
}

struct value *value_number(struct inspect *in, struct type *type, uint64_t number)
{
	struct value *value = value_new(in, type);
	size_t size = type->size > 16 ? 16 : type->size;

	value->bytes = inspect_alloc(in, 32);
	memset(value->bytes, (int64_t)number < 0 && type->is_signed ? 0xff : 0, 32);
	memcpy(value->bytes, &number, size < 8 ? size : 8);
	return value;
}

struct value *value_float(struct inspect *in, struct type *type, long double number)
{
	struct value *value = value_new(in, type);
	double d = (double)number;
	float f = (float)number;
	uint16_t raw;

	value->bytes = inspect_alloc(in, 32);
	switch (type_strip(type)->size) {
	case sizeof(raw):
		raw = small_float_write(number, type_strip(type)->is_bfloat);
		memcpy(value->bytes, &raw, sizeof(raw));
		break;
	case sizeof(f):
		memcpy(value->bytes, &f, sizeof(f));
		break;
	case sizeof(d):
		memcpy(value->bytes, &d, sizeof(d));
		break;
	default:
		memcpy(value->bytes, &number, 10);
		break;
	}
	return value;
}

/* ---- reading ---- */

const uint8_t *value_bytes(struct inspect *in, struct value *value, struct sn_err *err)
{
	if (value->bytes)
		return value->bytes;
	if (value->is_absent) {
		sn_fail(err, "value has been optimized out");
		return NULL;
	}
	if (value->type->size > VALUE_BYTES_MAX) {
		sn_fail(err, "a value of %lu bytes is too large to be read whole",
			value->type->size);
		return NULL;
	}
	value->bytes = inspect_alloc(in, value->type->size + 16);
	if (inspect_read(in, value->addr, value->bytes, value->type->size, err) < 0) {
		value->bytes = NULL;
		return NULL;
	}
	return value->bytes;
}

static int64_t extend(uint64_t raw, unsigned bits, bool is_signed)
{
	if (bits >= 64 || bits == 0)
		return (int64_t)raw;
	raw &= (UINT64_C(1) << bits) - 1;
	if (is_signed && raw >> (bits - 1))
		raw |= ~((UINT64_C(1) << bits) - 1);
	return (int64_t)raw;
}

static bool enum_is_signed(struct inspect *in, struct type *type)
{
	type_members(in, type);
	for (size_t i = 0; i < type->member_count; i++) {
		if (type->members[i].value < 0)
			return true;
	}
	return false;
}

int value_to_number(struct inspect *in, struct value *value, int64_t *number, struct sn_err *err)
{
	struct type *type = type_strip(value->type);
	size_t size = type->size < 8 ? type->size : 8;
	bool is_signed = type->is_signed;
	const uint8_t *bytes;
	long double real;
	uint64_t raw = 0;

	if (type->kind == TYPE_FLOAT) {
		if (value_to_float(in, value, &real, err) < 0)
			return -1;
		*number = real >= 0x1p63L   ? INT64_MAX
			  : real > -0x1p63L ? (int64_t)real
					    : INT64_MIN; /* NaN, too */
		return 0;
	}
	if (!type_is_scalar(type) && (type->kind != TYPE_MEMBER || type->size > 8))
		return sn_fail(err, "Invalid cast.");
	bytes = value_bytes(in, value, err);
	if (!bytes)
		return -1;
	if (value->absent && memchr(value->absent, 1, type->size))
		return sn_fail(err, "value has been optimized out");
	if (type->kind == TYPE_ENUM)
		is_signed = enum_is_signed(in, type);
	memcpy(&raw, bytes, size);
	if (value->bit_size) {
		raw >>= value->bit_offset;
		/* one that reaches into a ninth byte */
		if (value->bit_offset + value->bit_size > 64)
			raw |= (uint64_t)bytes[8] << (64 - value->bit_offset);
		*number = extend(raw, value->bit_size, is_signed);
	} else {
		*number = extend(raw, (unsigned)(8 * size), is_signed);
	}
	return 0;
}

int value_to_float(struct inspect *in, struct value *value, long double *number, struct sn_err *err)
{
	struct type *type = type_strip(value->type);
	const uint8_t *bytes;
	int64_t integer;
	uint16_t raw;
	double d;
	float f;

	if (type->kind != TYPE_FLOAT) {
		if (value_to_number(in, value, &integer, err) < 0)
			return -1;
		*number = type->is_signed || type->kind == TYPE_ENUM
				  ? (long double)integer
				  : (long double)(uint64_t)integer;
		return 0;
	}
	bytes = value_bytes(in, value, err);
	if (!bytes)
		return -1;
	switch (type->size) {
	case sizeof(f):
		memcpy(&f, bytes, sizeof(f));
		*number = f;
		return 0;
	case sizeof(d):
		memcpy(&d, bytes, sizeof(d));
		*number = d;
		return 0;
	case sizeof(raw):
		memcpy(&raw, bytes, sizeof(raw));
		*number = small_float_read(raw, type->is_bfloat);
		return 0;
	case 10: /* as the x87 has it */
	case sizeof(*number):
		*number = 0;
		memcpy(number, bytes, 10);
		return 0;
	default:
		return sn_fail(err, "a floating type of %lu bytes is not known", type->size);
	}
}

/* What is no number is true as soon as a byte of it is. */
static bool are_zeros(struct inspect *in, struct value *value, bool *zero, struct sn_err *err)
{
	const uint8_t *bytes = value_bytes(in, value, err);

	if (!bytes)
		return false;
	*zero = true;
	for (size_t i = 0; i < value->type->size; i++)
		*zero &= bytes[i] == 0;
	return true;
}

bool value_is_zero(struct inspect *in, struct value *value, bool *zero, struct sn_err *err)
{
	long double real;
	int64_t number;

	if (type_strip(value->type)->kind == TYPE_FLOAT) {
		if (value_to_float(in, value, &real, err) < 0)
			return false;
		*zero = real == 0;
		return true;
	}
	value = value_decay(in, value, err);
	if (value && !type_is_scalar(value->type))
		return are_zeros(in, value, zero, err);
	if (!value || value_to_number(in, value, &number, err) < 0)
		return false;
	*zero = number == 0;
	return true;
}

/* ---- parts ---- */

/* `size` bytes at `offset` of it. */
static struct value *part(struct inspect *in, struct value *value, struct type *type,
			  uint64_t offset, struct sn_err *err)
{
	struct value *inner = value_new(in, type);

	inner->is_register = value->is_register;
	inner->is_absent = value->is_absent;
	inner->home = value->home;
	inner->home_at = value->home_at + offset;
	if (value->in_memory) {
		inner->in_memory = true;
		inner->addr = value->addr + offset;
	}
	if (value->bytes && !value->is_absent) {
		if (offset > value->type->size || type->size > value->type->size - offset) {
			if (value->in_memory)
				return inner;
			sn_fail(err, "no such part of the value");
			return NULL;
		}
		inner->bytes = value->bytes + offset;
		inner->absent = value->absent ? value->absent + offset : NULL;
		inner->is_absent = inner->absent && type->size &&
				   !memchr(inner->absent, 0, type->size);
	}
	return inner;
}

/* One of a class, not of an object; without a definition it is nowhere. */
static struct value *static_member(struct inspect *in, const struct member *member,
				   struct sn_err *err)
{
	struct context context = {.in = in};
	Dwarf_Die die = member->die;
	struct found found;
	struct value *value;

	context.module = member->type->module;
	if (dwarf_hasattr(&die, DW_AT_const_value))
		return value_of(&context, &die, err);
	if (lookup_symbol(in, NULL, cplus_full_name(in, &die), &found)) {
		context.module = found.module;
		return value_of(&context, &found.die, err);
	}
	value = value_new(in, member->type);
	value->is_absent = true;
	return value;
}

/* The vtable says where in the object a virtual base is: its offset stands in front, at a place
 * that the debug information has. Of GCC's and clang's expression only that is different. */
static int virtual_base(struct inspect *in, struct value *value, const struct member *member,
			uint64_t *offset, struct sn_err *err)
{
	Dwarf_Die die = member->die;
	Dwarf_Attribute attr;
	uint64_t table;
	Dwarf_Op *ops;
	size_t count;

	*offset = member->offset;
	if (!member->inherits || !value->in_memory ||
	    !dwarf_attr(&die, DW_AT_data_member_location, &attr) ||
	    dwarf_getlocation(&attr, &ops, &count) != 0 || count != 6 || ops[0].atom != DW_OP_dup ||
	    ops[1].atom != DW_OP_deref || ops[3].atom != DW_OP_minus ||
	    ops[4].atom != DW_OP_deref || ops[5].atom != DW_OP_plus)
		return 0;
	if (memory_read_u64(in, value->addr, &table, err) < 0)
		return -1;
	if (ops[2].atom >= DW_OP_lit0 && ops[2].atom <= DW_OP_lit31)
		ops[2].number = ops[2].atom - DW_OP_lit0;
	return memory_read_u64(in, table - ops[2].number, offset, err);
}

struct value *value_member(struct inspect *in, struct value *value, const struct member *member,
			   struct sn_err *err)
{
	struct value *inner;
	uint64_t offset;
	uint64_t last = ((uint64_t)member->bit_offset + member->bit_size + 7) / 8;

	if (member->is_static)
		return static_member(in, member, err);
	if (member->bit_size &&
	    (member->offset > value->type->size || last > value->type->size - member->offset)) {
		sn_fail(err, "the debug information is damaged: a bitfield beyond its struct");
		return NULL;
	}
	/* a bitfield's bytes may be fewer than its type's: what is read is what there is */
	if (member->bit_size && !value->is_absent && !value->bytes) {
		inner = value_new(in, member->type);
		inner->bytes = inspect_alloc(in, 32);
		inner->in_memory = true;
		inner->addr = value->addr + member->offset;
		if (inspect_read(in, inner->addr, inner->bytes, last, err) < 0)
			return NULL;
	} else if (member->bit_size && !value->is_absent &&
		   member->offset + member->type->size > value->type->size) {
		inner = value_new(in, member->type);
		inner->in_memory = value->in_memory;
		inner->addr = value->addr + member->offset;
		inner->home = value->home;
		inner->home_at = value->home_at + member->offset;
		inner->bytes = inspect_alloc(in, 32);
		memcpy(inner->bytes, value->bytes + member->offset, last);
	} else {
		inner = virtual_base(in, value, member, &offset, err) < 0
				? NULL
				: part(in, value, member->type, offset, err);
	}
	if (inner) {
		inner->bit_offset = member->bit_offset;
		inner->bit_size = member->bit_size;
	}
	return inner;
}

struct value *value_element(struct inspect *in, struct value *value, uint64_t i, struct sn_err *err)
{
	struct type *element = type_strip(value->type)->target;

	return part(in, value, element, i * element->size, err);
}

static struct value *named(struct inspect *in, struct value *value, const char *name, int depth,
			   struct sn_err *err)
{
	struct type *type = type_strip(value->type);
	struct value *inner;
	struct sn_err ignored;

	type_members(in, type);
	for (size_t i = 0; i < type->member_count; i++) {
		if (type->members[i].name && !type->members[i].inherits &&
		    strcmp(type->members[i].name, name) == 0)
			return value_member(in, value, &type->members[i], err);
	}
	for (size_t i = 0; depth < BASES_MAX && i < type->member_count; i++) {
		const struct member *member = &type->members[i];
		enum type_kind kind = type_strip(member->type)->kind;

		if ((member->name && !member->inherits) ||
		    (kind != TYPE_STRUCT && kind != TYPE_UNION))
			continue;
		inner = value_member(in, value, member, err);
		inner = inner ? named(in, inner, name, depth + 1, &ignored) : NULL;
		if (inner)
			return inner;
	}
	sn_fail(err, "There is no member %snamed %s.", in->cplus ? "or method " : "", name);
	return NULL;
}

struct value *value_named(struct inspect *in, struct value *value, const char *name,
			  struct sn_err *err)
{
	return named(in, value, name, 0, err);
}

/* What a reference stands for. */
static struct value *value_referred(struct inspect *in, struct value *value, struct sn_err *err)
{
	struct type *target = type_strip(value->type)->target;
	int64_t addr;

	if (value_to_number(in, value, &addr, err) < 0)
		return NULL;
	if (type_strip(target)->is_incomplete)
		type_members(in, type_strip(target));
	return value_at(in, target, (uint64_t)addr);
}

struct value *value_deref(struct inspect *in, struct value *value, struct sn_err *err)
{
	struct type *type;
	int64_t addr;

	if (type_strip(value->type)->kind == TYPE_REFERENCE)
		return value_referred(in, value, err);
	value = value_decay(in, value, err);
	if (!value)
		return NULL;
	type = type_strip(value->type);
	if (type_is_integer(type)) { /* gdb takes a number for the address of a long */
		if (value_to_number(in, value, &addr, err) < 0)
			return NULL;
		return value_at(in, type_basic(in, BASIC_LONG), (uint64_t)addr);
	}
	if (type->kind != TYPE_POINTER) {
		sn_fail(err, "%s",
			type->kind == TYPE_MEMBER
				? "Attempt to dereference pointer to member without an object"
				: "Attempt to take contents of a non-pointer value.");
		return NULL;
	}
	if (type->kind == TYPE_POINTER && type_strip(type->target)->kind == TYPE_VOID) {
		sn_fail(err, "Attempt to dereference a generic pointer.");
		return NULL;
	}
	if (value_to_number(in, value, &addr, err) < 0)
		return NULL;
	if (type_strip(type->target)->is_incomplete)
		type_members(in, type_strip(type->target));
	return value_at(in, type->target, (uint64_t)addr);
}

struct value *value_address(struct inspect *in, struct value *value, struct sn_err *err)
{
	if (!value->in_memory || value->bit_size) {
		sn_fail(err, "%s",
			value->is_absent
				? "value has been optimized out"
				: "Attempt to take address of value not located in memory.");
		return NULL;
	}
	return value_number(in, type_pointer(in, value->type), value->addr);
}

struct value *value_decay(struct inspect *in, struct value *value, struct sn_err *err)
{
	struct type *type = type_strip(value->type);

	if (type->kind == TYPE_FUNCTION)
		return value_address(in, value, err);
	if (type->kind == TYPE_REFERENCE) {
		value = value_referred(in, value, err);
		return value ? value_decay(in, value, err) : NULL;
	}
	if (type->kind != TYPE_ARRAY || type->is_vector)
		return value;
	if (!value->in_memory) {
		sn_fail(err, "Attempt to take address of value not located in memory.");
		return NULL;
	}
	return value_number(in, type_pointer(in, type->target), value->addr);
}

struct value *value_cast(struct inspect *in, struct value *value, struct type *type,
			 struct sn_err *err)
{
	struct type *to = type_strip(type), *from = type_strip(value->type);
	struct value *result;
	long double real;
	int64_t number;

	if (from->kind == TYPE_SYMBOL && value->in_memory)
		return value_at(in, type, value->addr);
	if (to->kind == TYPE_VOID)
		return value_new(in, type);
	if (!type_is_scalar(to)) {
		if (to->kind == from->kind && (to == from || to->size == from->size)) {
			result = inspect_alloc(in, sizeof(*result));
			*result = *value;
			result->type = type;
			return result;
		}
		sn_fail(err, "Invalid cast.");
		return NULL;
	}
	value = value_decay(in, value, err);
	if (!value)
		return NULL;
	if (to->kind == TYPE_FLOAT)
		return value_to_float(in, value, &real, err) < 0 ? NULL
								 : value_float(in, type, real);
	if (type_is_wide(from)) {
		sn_fail(err, "That operation is not available on integers of more than 8 bytes.");
		return NULL;
	}
	if (value_to_number(in, value, &number, err) < 0)
		return NULL;
	if (to->kind == TYPE_BOOL)
		number = number != 0;
	return value_number(in, type, (uint64_t)number);
}

int value_to_address(struct inspect *in, struct value *value, uint64_t *addr, struct sn_err *err)
{
	enum type_kind kind = type_strip(value->type)->kind;
	int64_t number;

	if (kind == TYPE_STRUCT || kind == TYPE_UNION || kind == TYPE_COMPLEX)
		return sn_fail(err, "Value can't be converted to integer.");
	if (kind == TYPE_ARRAY && !value->in_memory) /* gdb would put it there */
		return sn_fail(err, "You can't do that without a process to debug.");
	if (kind == TYPE_SYMBOL)
		value = value_address(in, value, err);
	value = value ? value_decay(in, value, err) : NULL;
	if (!value || value_to_number(in, value, &number, err) < 0)
		return -1;
	*addr = (uint64_t)number;
	return 0;
}
