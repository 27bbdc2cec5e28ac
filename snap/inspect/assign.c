// SPDX-License-Identifier: Apache-2.0
/* Assignment: what the right side is as the left has it, and where that goes. */
#include "snap/inspect/changes.h"
#include "snap/inspect/format.h"

static int invalid_cast(struct sn_err *err)
{
	return sn_fail(err, "Invalid cast.");
}

static bool is_compound(struct type *type)
{
	return type->kind == TYPE_STRUCT || type->kind == TYPE_UNION;
}

static bool same_elements(struct type *a, struct type *b)
{
	struct type *one = type_strip(a->target), *other = type_strip(b->target);

	if (one->kind != other->kind || one->size != other->size || a->is_vector != b->is_vector)
		return false;
	return one->kind != TYPE_ARRAY || same_elements(one, other);
}

static int check_types(struct value *to, struct value *from, struct sn_err *err)
{
	struct type *type = type_strip(to->type), *other = type_strip(from->type);

	if (type->kind == TYPE_SYMBOL)
		return sn_fail(err, "'%s' has unknown type; cast it to its declared type",
			       to->string);
	if (type->kind == TYPE_FUNCTION || is_compound(type) != is_compound(other))
		return invalid_cast(err);
	if (type->kind == TYPE_ARRAY &&
	    (other->kind != TYPE_ARRAY || type->size != other->size || !same_elements(type, other)))
		return invalid_cast(err);
	if (type->kind == TYPE_COMPLEX && (other->kind != type->kind || other->size != type->size))
		return invalid_cast(err);
	return 0;
}

/* The right side with the type of the left. */
static struct value *convert(struct inspect *in, struct value *to, struct value *from,
			     struct sn_err *err)
{
	struct type *type = type_strip(to->type), *other = type_strip(from->type);
	struct value *value;

	if (check_types(to, from, err) < 0)
		return NULL;
	if (type->kind == TYPE_COMPLEX || (type_is_wide(type) && type_is_wide(other)))
		return from;
	value = value_cast(in, from, to->type, err);
	if (value && type_is_wide(type) && other->kind != TYPE_FLOAT && !other->is_signed)
		memset(value->bytes + 8, 0, 8);
	return value;
}

static int write_at(struct inspect *in, const struct value *to, const uint8_t *bytes, size_t len,
		    struct sn_err *err)
{
	if (to->in_memory)
		return memory_write(in, to->addr, bytes, len, err);
	return home_write(to->home, to->home_at, bytes, len, err);
}

/* Into the bits of a field; the bytes around them stay. */
static struct value *assign_bits(struct inspect *in, struct value *to, struct value *from,
				 const char **warning, struct sn_err *err)
{
	unsigned __int128 raw = 0, mask = ((unsigned __int128)1 << to->bit_size) - 1;
	size_t len = (to->bit_offset + to->bit_size + 7) / 8;
	const uint8_t *bytes = value_bytes(in, to, err);
	struct value *result;
	int64_t number;
	char text[64];

	if (!bytes || value_to_number(in, from, &number, err) < 0)
		return NULL;
	if (((uint64_t)number & ~(uint64_t)mask) && (~(uint64_t)number & ~(uint64_t)(mask >> 1))) {
		snprintf(text, sizeof(text), "Value does not fit in %u bits.", to->bit_size);
		*warning = inspect_strdup(in, text);
	}
	memcpy(&raw, bytes, len);
	raw &= ~(mask << to->bit_offset);
	raw |= ((unsigned __int128)(uint64_t)number & mask) << to->bit_offset;
	if (write_at(in, to, (const uint8_t *)&raw, len, err) < 0)
		return NULL;
	result = value_new(in, to->type);
	result->bytes = inspect_alloc(in, 32);
	memcpy(result->bytes, &raw, sizeof(raw));
	result->bit_offset = to->bit_offset;
	result->bit_size = to->bit_size;
	return result;
}

static struct value *assign_bytes(struct inspect *in, struct value *to, struct value *from,
				  struct sn_err *err)
{
	size_t size = type_strip(to->type)->size;
	const uint8_t *bytes = value_bytes(in, from, err);
	struct value *result;

	if (!bytes)
		return NULL;
	if (from->is_absent || (from->absent && memchr(from->absent, 1, size))) {
		sn_fail(err, "value has been optimized out");
		return NULL;
	}
	result = inspect_alloc(in, sizeof(*result));
	*result = *to;
	result->absent = NULL;
	result->is_fixed = false;
	result->bytes = inspect_alloc(in, size + 32);
	memcpy(result->bytes, bytes, size);
	return write_at(in, to, result->bytes, size, err) < 0 ? NULL : result;
}

/* Of a convenience variable: nothing of the process. */
static bool is_variable(const struct value *to)
{
	return to->home && to->home->pieces[0].kind == PLACE_VARIABLE;
}

static int check_place(const struct inspect *in, const struct value *to, struct sn_err *err)
{
	if (!in->may_assign && !is_variable(to))
		return sn_fail(err, "only `set var` and `print` can assign");
	if (to->is_fixed)
		return sn_fail(err, "Left operand of assignment is not a modifiable lvalue.");
	if (to->is_absent || (!to->in_memory && !to->home))
		return sn_fail(err, "Left operand of assignment is not an lvalue.");
	return 0;
}

struct value *value_kept(struct inspect *in, struct value *value, struct sn_err *err)
{
	struct value *kept = inspect_alloc(in, sizeof(*kept));

	if (!value_bytes(in, value, err))
		return NULL;
	*kept = *value;
	kept->in_memory = false;
	kept->home = NULL;
	return kept;
}

struct value *value_assign(struct inspect *in, const char *name, struct value *to,
			   struct value *from, struct sn_err *err)
{
	struct assigned note = {.name = name};
	struct value *result;

	if (type_strip(to->type)->kind == TYPE_REFERENCE)
		to = value_deref(in, to, err);
	if (!to || check_place(in, to, err) < 0)
		return NULL;
	from = convert(in, to, from, err);
	if (!from)
		return NULL;
	if (!is_variable(to)) {
		changes_keep_history(in);
		note.was = format_text(in, to);
	}
	result = to->bit_size ? assign_bits(in, to, from, &note.warning, err)
			      : assign_bytes(in, to, from, err);
	if (!result || is_variable(to))
		return result;
	note.is = format_text(in, result);
	changes_note(in, &note);
	changes_reread(in);
	return result;
}
