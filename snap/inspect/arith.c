// SPDX-License-Identifier: Apache-2.0
/* C's operators: promotions as in C, errors in gdb's words. */
#include "snap/inspect/value.h"

#include <dwarf.h>
#include <math.h>

/* What an operand of an integer type is computed as. */
static struct type *promoted(struct inspect *in, struct type *type)
{
	type = type_strip(type);
	if (type->kind == TYPE_FLOAT || type->size > 8)
		return type;
	if (type->size < 4 || type->kind == TYPE_BOOL || type->kind == TYPE_CHAR)
		return type_basic(in, BASIC_INT);
	if (type->size == 4)
		return type->is_signed ? type_basic(in, BASIC_INT) : type_basic(in, BASIC_UINT);
	return type->is_signed ? type_basic(in, BASIC_LONG) : type_basic(in, BASIC_ULONG);
}

static struct type *common(struct inspect *in, struct type *a, struct type *b)
{
	a = promoted(in, a);
	b = promoted(in, b);
	if (a->kind == TYPE_FLOAT || b->kind == TYPE_FLOAT) {
		if (a->kind != TYPE_FLOAT)
			return b->size < 8 ? b : b;
		return b->kind != TYPE_FLOAT || a->size >= b->size ? a : b;
	}
	if (a->size != b->size)
		return a->size > b->size ? a : b;
	return a->is_signed ? b : a;
}

static struct value *float_binary(struct inspect *in, int op, struct type *type, long double a,
				  long double b, struct sn_err *err)
{
	switch (op) {
	case '+':
		return value_float(in, type, a + b);
	case '-':
		return value_float(in, type, a - b);
	case '*':
		return value_float(in, type, a * b);
	case '/':
		return value_float(in, type, a / b);
	case '<':
		return value_number(in, type_truth(in), a < b);
	case '>':
		return value_number(in, type_truth(in), a > b);
	case OP_LE:
		return value_number(in, type_truth(in), a <= b);
	case OP_GE:
		return value_number(in, type_truth(in), a >= b);
	case OP_EQ:
		return value_number(in, type_truth(in), a == b);
	case OP_NE:
		return value_number(in, type_truth(in), a != b);
	default:
		sn_fail(err, "Integer-only operation on floating point values.");
		return NULL;
	}
}

/* Both as 64 bits; `less` by the sign of the common type. */
static struct value *compare(struct inspect *in, int op, bool less, bool equal)
{
	bool result = op == '<'	    ? less
		      : op == '>'   ? !less && !equal
		      : op == OP_LE ? less || equal
		      : op == OP_GE ? !less
		      : op == OP_EQ ? equal
				    : !equal;

	return value_number(in, type_truth(in), result);
}

static bool is_comparison(int op)
{
	return op == '<' || op == '>' || op == OP_LE || op == OP_GE || op == OP_EQ || op == OP_NE;
}

static int divide(int op, bool is_signed, uint64_t a, uint64_t b, uint64_t *r, struct sn_err *err)
{
	if (b == 0)
		return sn_fail(err, "Division by zero");
	if (!is_signed)
		*r = op == '/' ? a / b : a % b;
	else if ((int64_t)b == -1)
		*r = op == '/' ? -a : 0;
	else
		*r = op == '/' ? (uint64_t)((int64_t)a / (int64_t)b)
			       : (uint64_t)((int64_t)a % (int64_t)b);
	return 0;
}

static struct value *integer_binary(struct inspect *in, int op, struct type *type, uint64_t a,
				    uint64_t b, struct sn_err *err)
{
	uint64_t r = 0;

	if (is_comparison(op))
		return compare(in, op, type->is_signed ? (int64_t)a < (int64_t)b : a < b, a == b);
	switch (op) {
	case '+':
		r = a + b;
		break;
	case '-':
		r = a - b;
		break;
	case '*':
		r = a * b;
		break;
	case '/':
	case '%':
		if (divide(op, type->is_signed, a, b, &r, err) < 0)
			return NULL;
		break;
	case '&':
		r = a & b;
		break;
	case '|':
		r = a | b;
		break;
	case '^':
		r = a ^ b;
		break;
	case OP_SHL:
		r = b < 64 ? a << b : 0;
		break;
	case OP_SHR:
		r = type->is_signed ? (uint64_t)((int64_t)a >> (b < 63 ? b : 63))
		    : b < 64	    ? a >> b
				    : 0;
		break;
	default:
		sn_fail(err, "this operator is not for integers");
		return NULL;
	}
	if (type->size < 8)
		r = type->is_signed ? (uint64_t)(int64_t)(int32_t)r : (uint32_t)r;
	return value_number(in, type, r);
}

static bool is_pointer(struct value *value)
{
	return type_strip(value->type)->kind == TYPE_POINTER;
}

static struct value *pointer_binary(struct inspect *in, int op, struct value *a, struct value *b,
				    struct sn_err *err)
{
	struct value *pointer = is_pointer(a) ? a : b;
	uint64_t size = type_strip(type_strip(pointer->type)->target)->size;
	int64_t x, y;

	if (value_to_number(in, a, &x, err) < 0 || value_to_number(in, b, &y, err) < 0)
		return NULL;
	size = size ? size : 1;
	if (is_comparison(op))
		return compare(in, op, (uint64_t)x < (uint64_t)y, x == y);
	if (is_pointer(a) && is_pointer(b)) {
		if (op == '-')
			return value_number(in, type_basic(in, BASIC_LONG),
					    (uint64_t)((x - y) / (int64_t)size));
	} else if (op == '+') {
		return value_number(in, pointer->type,
				    is_pointer(a) ? (uint64_t)x + (uint64_t)y * size
						  : (uint64_t)y + (uint64_t)x * size);
	} else if (op == '-' && is_pointer(a)) {
		return value_number(in, a->type, (uint64_t)x - (uint64_t)y * size);
	} else {
		return integer_binary(in, op, type_basic(in, BASIC_LONG), (uint64_t)x, (uint64_t)y,
				      err);
	}
	sn_fail(err, "Argument to arithmetic operation not a number or boolean.");
	return NULL;
}

bool value_is_struct(struct value *value)
{
	return type_strip(value->type)->kind == TYPE_STRUCT;
}

static bool has_method(struct type *class, const char *name)
{
	Dwarf_Die child;
	int more;

	if (!class->has_die)
		return false;
	for (more = dwarf_child(&class->die, &child); more == 0;
	     more = dwarf_siblingof(&child, &child)) {
		const char *own = dwarf_diename(&child);

		if (dwarf_tag(&child) == DW_TAG_subprogram && own && strcmp(own, name) == 0)
			return true;
	}
	return false;
}

struct value *value_no_operator(struct inspect *in, int op, struct value *value, struct sn_err *err)
{
	static const char names[][4] = {"<<", ">>", "<=", ">=", "==", "!=", "&&",
					"||", "->", "::", "++", "--", "[]"};
	char name[16];

	if (op < OP_SHL)
		snprintf(name, sizeof(name), "operator%c", op);
	else
		snprintf(name, sizeof(name), "operator%s", names[op - OP_SHL]);
	if (!in->cplus)
		sn_fail(err, "Structure has no component named %s.", name);
	else if (has_method(type_strip(value->type), name)) /* it would have to be called */
		sn_fail(err, "Could not find %s.", name);
	else
		sn_fail(err, "No symbol \"%s\" in current context.", name);
	return NULL;
}

static struct value *not_numbers(int op, struct sn_err *err)
{
	if (op == OP_EQ || op == OP_NE)
		sn_fail(err, "Invalid type combination in equality test.");
	else if (is_comparison(op))
		sn_fail(err, "Invalid type combination in ordering comparison.");
	else
		sn_fail(err, "Argument to arithmetic operation not a number or boolean.");
	return NULL;
}

static struct value *same_bytes(struct inspect *in, int op, struct value *a, struct value *b,
				struct sn_err *err)
{
	size_t size = type_strip(a->type)->size;

	if (size != type_strip(b->type)->size)
		return not_numbers(op, err);
	if (!value_bytes(in, a, err) || !value_bytes(in, b, err))
		return NULL;
	return compare(in, op, false, memcmp(a->bytes, b->bytes, size) == 0);
}

struct value *value_binary(struct inspect *in, int op, struct value *a, struct value *b,
			   struct sn_err *err)
{
	struct type *type;
	long double p, q;
	int64_t x, y;

	if (value_is_struct(a) || (in->cplus && value_is_struct(b)))
		return value_no_operator(in, op, value_is_struct(a) ? a : b, err);
	if (value_is_struct(b)) {
		sn_fail(err, "Can't do that binary op on that type");
		return NULL;
	}
	a = value_decay(in, a, err);
	b = a ? value_decay(in, b, err) : NULL;
	if (!b)
		return NULL;
	if (type_strip(a->type)->kind == TYPE_MEMBER && type_strip(b->type)->kind == TYPE_MEMBER &&
	    (op == OP_EQ || op == OP_NE))
		return same_bytes(in, op, a, b, err);
	if (!type_is_scalar(a->type) || !type_is_scalar(b->type))
		return not_numbers(op, err);
	if (type_is_wide(a->type) || type_is_wide(b->type)) {
		sn_fail(err, "That operation is not available on integers of more than 8 bytes.");
		return NULL;
	}
	if (is_pointer(a) || is_pointer(b))
		return pointer_binary(in, op, a, b, err);
	type = op == OP_SHL || op == OP_SHR ? promoted(in, a->type) : common(in, a->type, b->type);
	if (type->kind == TYPE_FLOAT) {
		if (value_to_float(in, a, &p, err) < 0 || value_to_float(in, b, &q, err) < 0)
			return NULL;
		return float_binary(in, op, type, p, q, err);
	}
	if (value_to_number(in, a, &x, err) < 0 || value_to_number(in, b, &y, err) < 0)
		return NULL;
	if (type->size < 8 && !type->is_signed) {
		x = (int64_t)(uint32_t)x;
		y = (int64_t)(uint32_t)y;
	}
	return integer_binary(in, op, type, (uint64_t)x, (uint64_t)y, err);
}

struct value *value_unary(struct inspect *in, int op, struct value *value, struct sn_err *err)
{
	struct type *type;
	long double real;
	int64_t number;
	bool zero;

	if (value_is_struct(value))
		return value_no_operator(in, op, value, err);
	if (op == '!')
		return value_is_zero(in, value, &zero, err) ? value_number(in, type_truth(in), zero)
							    : NULL;
	if (!type_is_scalar(value->type) || is_pointer(value)) {
		sn_fail(err, op == '~' ? "Argument to complement operation not an integer, boolean."
			     : op == '+' ? "Argument to positive operation not a number."
					 : "Argument to negate operation not a number.");
		return NULL;
	}
	type = promoted(in, value->type);
	if (type->kind == TYPE_FLOAT) {
		if (op == '~') {
			sn_fail(err, "Argument to complement operation not an integer, boolean.");
			return NULL;
		}
		if (value_to_float(in, value, &real, err) < 0)
			return NULL;
		return value_float(in, type, op == '-' ? -real : real);
	}
	if (value_to_number(in, value, &number, err) < 0)
		return NULL;
	if (op == '-' || op == '~')
		number = op == '-' ? (int64_t)(0 - (uint64_t)number) : ~number;
	if (type->size < 8)
		number = type->is_signed ? (int32_t)number : (int64_t)(uint32_t)number;
	return value_number(in, type, (uint64_t)number);
}
