// SPDX-License-Identifier: Apache-2.0
/*
 * C++'s pointers to members, as the Itanium ABI has them: to data an offset, -1 for none; to a
 * method its address, or 1 and its place in the vtable, and what is added to the object's address.
 */
#include "snap/inspect/cplus.h"
#include "snap/inspect/format.h"

#include <dwarf.h>

enum { BASES_MAX = 32 };

static bool is_data(struct type *type)
{
	return type_strip(type_strip(type)->target)->kind != TYPE_FUNCTION;
}

/* The innermost class that has data at an offset, and its name there. */
static const struct member *data_at(struct inspect *in, struct type **class, uint64_t offset,
				    int depth)
{
	struct type *type = type_strip(*class);

	type_members(in, type);
	for (size_t i = 0; i < type->member_count && depth < BASES_MAX; i++) {
		const struct member *member = &type->members[i], *inner;

		if (member->is_static || offset < member->offset ||
		    offset - member->offset >= member->type->size)
			continue;
		if (!member->inherits && offset == member->offset)
			return member;
		if (!member->inherits)
			continue;
		*class = member->type;
		inner = data_at(in, class, offset - member->offset, depth + 1);
		if (inner)
			return inner;
	}
	return NULL;
}

static void print_data(const struct format *f, struct type *type, int64_t offset)
{
	struct type *class = type->class;
	const struct member *member;

	if (offset == -1) {
		fputs("NULL", f->out);
		return;
	}
	member = data_at(f->in, &class, (uint64_t)offset, 0);
	if (member && member->name && class->name)
		fprintf(f->out, "&%s::%s", class->name, member->name);
	else
		fprintf(f->out, "%ld", offset);
}

static bool is_at(Dwarf_Die *method, uint64_t index)
{
	Dwarf_Attribute attr;
	Dwarf_Op *ops;
	size_t count;

	return dwarf_attr(method, DW_AT_vtable_elem_location, &attr) &&
	       dwarf_getlocation(&attr, &ops, &count) == 0 && count == 1 &&
	       (ops[0].atom == DW_OP_constu ? ops[0].number : (uint64_t)ops[0].atom - DW_OP_lit0) ==
		       index;
}

/* "A::v()" of the vtable's entry; NULL: none of the class's own. */
static const char *virtual_name(struct inspect *in, struct type *class, uint64_t index)
{
	Dwarf_Attribute attr;
	Dwarf_Die child;
	int more;

	type_members(in, class);
	for (more = class->has_die ? dwarf_child(&class->die, &child) : 1; more == 0;
	     more = dwarf_siblingof(&child, &child)) {
		if (dwarf_tag(&child) == DW_TAG_subprogram && is_at(&child, index) &&
		    dwarf_attr(&child, DW_AT_linkage_name, &attr))
			return cplus_demangled(in, dwarf_formstring(&attr));
	}
	return NULL;
}

static void print_method(const struct format *f, struct type *type, uint64_t where, int64_t adjust)
{
	sn_auto_free char *name = type_name(f->in, type);
	const char *method = NULL;

	if (!where) {
		fputs("NULL", f->out);
		return;
	}
	if (where & 1)
		method = virtual_name(f->in, type_strip(type->class), where / sizeof(uint64_t));
	if (method) {
		fprintf(f->out, "&virtual %s", method);
	} else {
		fprintf(f->out, "(%s) ", name);
		format_address(f, where);
	}
	if (adjust)
		fprintf(f->out, ", this adjustment %ld", adjust);
}

int format_member_pointer(const struct format *f, struct value *value, struct sn_err *err)
{
	struct type *type = type_strip(value->type);
	const uint8_t *bytes = value_bytes(f->in, value, err);
	int64_t words[2] = {0};

	if (!bytes)
		return -1;
	memcpy(words, bytes, type->size < sizeof(words) ? type->size : sizeof(words));
	if (f->letter)
		return format_lettered(
			f, value_number(f->in, type_basic(f->in, BASIC_LONG), (uint64_t)words[0]),
			err);
	if (is_data(type))
		print_data(f, type, words[0]);
	else
		print_method(f, type, (uint64_t)words[0], words[1]);
	return 0;
}

/* ---- object.*pointer ---- */

static struct value *method_of(struct inspect *in, uint64_t object, struct type *function,
			       const int64_t words[2], struct sn_err *err)
{
	uint64_t where = (uint64_t)words[0], vtable;

	if (where & 1) {
		if (memory_read_u64(in, object + (uint64_t)words[1], &vtable, err) < 0 ||
		    memory_read_u64(in, vtable + where - 1, &where, err) < 0)
			return NULL;
	}
	return value_at(in, function, where);
}

struct value *value_of_member_pointer(struct inspect *in, struct value *object,
				      struct value *pointer, bool dry, struct sn_err *err)
{
	struct type *type = type_strip(pointer->type);
	const uint8_t *bytes;
	int64_t words[2] = {0};

	if (type->kind != TYPE_MEMBER) {
		sn_fail(err, "non-pointer-to-member value used in pointer-to-member construct");
		return NULL;
	}
	if (!object->in_memory) {
		sn_fail(err, "Attempt to take address of value not located in memory.");
		return NULL;
	}
	if (dry)
		return value_at(in, type->target, 0);
	bytes = value_bytes(in, pointer, err);
	if (!bytes)
		return NULL;
	memcpy(words, bytes, type->size < sizeof(words) ? type->size : sizeof(words));
	if (!is_data(type))
		return method_of(in, object->addr, type->target, words, err);
	return value_at(in, type->target, object->addr + (uint64_t)words[0]);
}
