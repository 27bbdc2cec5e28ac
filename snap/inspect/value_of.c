// SPDX-License-Identifier: Apache-2.0
/* Values of variables, parameters, functions and enumerators. */
#include "snap/inspect/value.h"

#include "snap/inspect/evidence.h"
#include "snap/inspect/lookup.h"

#include <dwarf.h>

static void absent(struct inspect *in, struct value *value, size_t from, size_t len)
{
	if (!value->absent)
		value->absent = inspect_alloc(in, value->type->size + 1);
	memset(value->absent + from, 1, len);
}

static void register_bytes(const struct context *context, const struct piece *piece,
			   uint8_t bytes[16], bool *known)
{
	const struct frame *frame = context->frame;

	reads_use(context->in->reads, USES_REGISTERS | USES_AS_VALUE);
	memset(bytes, 0, 16);
	*known = frame && piece->number < REG_COUNT && (frame->known & (1U << piece->number));
	if (*known)
		memcpy(bytes, &frame->regs[piece->number], 8);
	else if (frame && piece->number >= REG_COUNT && frame->physical == 0)
		*known = location_vector(context, (unsigned)piece->number, bytes);
}

static int fill_piece(const struct context *context, struct value *value, const struct piece *piece,
		      size_t at, size_t size, struct sn_err *err)
{
	uint8_t room[16] = {0};
	bool known = true;
	size_t n;

	switch (piece->kind) {
	case PLACE_MEMORY:
		return inspect_read(context->in, piece->number, value->bytes + at, size, err);
	case PLACE_REGISTER:
		register_bytes(context, piece, room, &known);
		break;
	case PLACE_VALUE:
		memcpy(room, &piece->number, sizeof(piece->number));
		if (type_strip(value->type)->is_signed && (int64_t)piece->number < 0)
			memset(room + 8, 0xff, 8);
		break;
	case PLACE_BYTES:
		memcpy(value->bytes + at, piece->bytes, piece->len < size ? piece->len : size);
		return 0;
	case PLACE_NONE:
	case PLACE_VARIABLE: /* no location says so */
		known = false;
		break;
	}
	if (!known) {
		absent(context->in, value, at, size);
		return 0;
	}
	n = size < sizeof(room) ? size : sizeof(room);
	memcpy(value->bytes + at, room, n);
	return 0;
}

static struct value *value_of_place(const struct context *context, struct type *type,
				    const struct place *place, struct sn_err *err)
{
	struct value *value = value_new(context->in, type);
	size_t at = 0;

	if (place->count == 1 && place->pieces[0].kind == PLACE_MEMORY && !place->pieces[0].size)
		return value_at(context->in, type, place->pieces[0].number);
	value->is_register = true;
	if (place->count == 1 && place->pieces[0].kind == PLACE_REGISTER)
		value->reg = (unsigned)place->pieces[0].number + 1;
	if (place->count == 1 && place->pieces[0].kind == PLACE_NONE) {
		value->is_absent = true;
		return value;
	}
	if (type->size > VALUE_BYTES_MAX) {
		sn_fail(err, "the debug information is damaged: a value of %lu bytes", type->size);
		return NULL;
	}
	value->bytes = inspect_alloc(context->in, type->size + 16);
	for (size_t i = 0; i < place->count && at < type->size; i++) {
		size_t size = place->pieces[i].size ? place->pieces[i].size : type->size;

		size = size < type->size - at ? size : type->size - at;
		if (fill_piece(context, value, &place->pieces[i], at, size, err) < 0)
			return NULL;
		at += size;
	}
	value->home = home_new(context, place->pieces, place->count);
	if (at < type->size)
		absent(context->in, value, at, type->size - at);
	value->is_absent = value->absent && !memchr(value->absent, 0, type->size);
	return value;
}

/* An array whose length the program computed: its bound is a variable or an expression. */
static struct type *bound_array(const struct context *context, struct type *type)
{
	struct type *array = type_strip(type);
	struct sn_err ignored;
	Dwarf_Attribute attr;
	Dwarf_Die range, variable;
	uint64_t upper;
	int more;

	if (array->kind != TYPE_ARRAY || array->has_count || !array->has_die)
		return type;
	for (more = dwarf_child(&array->die, &range); more == 0;
	     more = dwarf_siblingof(&range, &range)) {
		if (dwarf_tag(&range) != DW_TAG_subrange_type ||
		    !dwarf_attr_integrate(&range, DW_AT_upper_bound, &attr))
			continue;
		if (dwarf_formref_die(&attr, &variable)) {
			int64_t number;
			struct type *of = type_of(context->in, context->module, &variable);
			struct value *value = NULL;

			if (type_is_integer(of)) /* no array, whose bound might be this */
				value = value_of(context, &variable, &ignored);
			if (!value || value_to_number(context->in, value, &number, &ignored) < 0)
				return type;
			upper = (uint64_t)number;
		} else if (location_number(context, &attr, &upper, &ignored) < 0) {
			return type;
		}
		return type_array(context->in, array->target, upper + 1);
	}
	return type;
}

static struct value *value_of_function(const struct context *context, Dwarf_Die *die)
{
	struct value *value;
	Dwarf_Addr entry, bias;

	if (die_entry(die, &entry) != 0) {
		const struct symbol *symbol = symbol_named(context->in, die_name(die));

		if (!symbol) {
			value = value_new(context->in, type_at(context->in, context->module, die));
			value->is_register = value->is_absent = true;
			return value;
		}
		entry = symbol->addr;
	} else {
		dwfl_module_getdwarf(context->module->dwfl, &bias);
		entry += bias;
	}
	value = value_at(context->in, type_at(context->in, context->module, die), entry);
	return value;
}

struct value *value_of(const struct context *context, Dwarf_Die *die, struct sn_err *err)
{
	struct inspect *in = context->in;
	Dwarf_Attribute attr;
	struct place place;
	Dwarf_Sword number = 0;
	struct type *type;

	if (dwarf_tag(die) == DW_TAG_subprogram)
		return value_of_function(context, die);
	if (dwarf_tag(die) == DW_TAG_enumerator) {
		if (dwarf_attr(die, DW_AT_const_value, &attr))
			dwarf_formsdata(&attr, &number);
		type = lookup_enum_of(in, context->module, die);
		return value_number(in, type ? type : type_basic(in, BASIC_INT), (uint64_t)number);
	}
	type = bound_array(context, type_of(in, context->module, die));
	if (location_of(context, die, &place, err) < 0)
		return NULL;
	return value_of_place(context, type, &place, err);
}
