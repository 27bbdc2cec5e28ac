// SPDX-License-Identifier: Apache-2.0
/* Classes as ptype shows them: bases, access, methods, what a template's names stand for. */
#include "snap/inspect/type_print.h"

#include <dwarf.h>

enum { METHODS_MAX = 1 << 16 };

/* ---- the head ---- */

static void take_templates(struct printing *p, struct type *type)
{
	Dwarf_Die child;
	int more;

	p->with_count = 0;
	for (more = dwarf_child(&type->die, &child); more == 0 && p->with_count < TEMPLATE_MAX;
	     more = dwarf_siblingof(&child, &child)) {
		if (dwarf_tag(&child) != DW_TAG_template_type_parameter || !dwarf_diename(&child))
			continue;
		p->with[p->with_count].name = dwarf_diename(&child);
		p->with[p->with_count++].type = type_of(p->in, type->module, &child);
	}
}

static unsigned number_of(Dwarf_Die *die, unsigned name, unsigned otherwise)
{
	Dwarf_Attribute attr;
	Dwarf_Word word;

	return dwarf_attr_integrate(die, name, &attr) && dwarf_formudata(&attr, &word) == 0
		       ? (unsigned)word
		       : otherwise;
}

static bool is_artificial(Dwarf_Die *die)
{
	return dwarf_hasattr_integrate(die, DW_AT_artificial);
}

/* Of a member, base or method; gdb calls what the compiler added private. */
static unsigned access_of(const struct type *type, Dwarf_Die *die)
{
	if (dwarf_tag(die) != DW_TAG_subprogram && is_artificial(die))
		return DW_ACCESS_private;
	return number_of(die, DW_AT_accessibility,
			 type->is_class ? DW_ACCESS_private : DW_ACCESS_public);
}

static const char *const access_names[] = {
	[DW_ACCESS_public] = "public",
	[DW_ACCESS_protected] = "protected",
	[DW_ACCESS_private] = "private",
};

static const char *access_name(unsigned access)
{
	return access < sn_countof(access_names) ? access_names[access] : NULL;
}

void type_print_head(struct printing *p, struct type *type)
{
	const char *before = ": ";

	take_templates(p, type);
	for (size_t i = 0; i < p->with_count; i++) {
		struct printing bare = {.in = p->in, .out = p->out};

		fprintf(p->out, "%s%s = ", i ? ", " : "[with ", p->with[i].name);
		type_print_one(&bare, p->with[i].type, "", -1, 0);
	}
	if (p->with_count)
		fputs("] ", p->out);
	type_members(p->in, type);
	for (size_t i = 0; i < type->member_count; i++) {
		struct member *member = &type->members[i];
		const char *access;

		if (!member->inherits)
			continue;
		access = access_name(access_of(type, &member->die));
		fprintf(p->out, "%s%s%s %s", before, access ? access : "",
			number_of(&member->die, DW_AT_virtuality, 0) ? " virtual" : "",
			member->type->name ? member->type->name : "");
		before = ", ";
	}
	if (*before == ',')
		fputc(' ', p->out);
}

/* ---- the body ---- */

struct body {
	struct printing *p;
	struct type *type;
	int level;
	bool labelled;
	unsigned access; /* of the label above; 0: none */
	bool any;	 /* member, no method */
	uint64_t end;	 /* of the last member, in bits */
};

static void label(struct body *b, Dwarf_Die *die)
{
	unsigned access = access_of(b->type, die);

	if (access == b->access || !access_name(access))
		return;
	b->access = access;
	type_offsets_blank(b->p);
	fprintf(b->p->out, "%*s%s:\n", b->level + 2, "", access_name(access));
}

static void print_data(struct body *b, struct member *member, int show)
{
	if (member->inherits || is_artificial(&member->die))
		return;
	b->any = true;
	if (b->labelled)
		label(b, &member->die);
	type_offsets_member(b->p, b->type, member, &b->end);
	type_print_member(b->p, member, show, b->level);
}

/* Through a pointer to const: a method that promises not to change its object. */
static bool is_const_method(struct type *this)
{
	struct type *type = type_strip(this);

	for (type = type->target; type && type->kind == TYPE_QUALIFIED; type = type->target)
		if (strcmp(type->name, "const") == 0)
			return true;
	return false;
}

static void print_arguments(struct body *b, Dwarf_Die *method, bool *is_const, bool *is_static)
{
	Dwarf_Die child;
	int more, count = 0;

	*is_static = true;
	*is_const = false;
	fputc('(', b->p->out);
	for (more = dwarf_child(method, &child); more == 0;
	     more = dwarf_siblingof(&child, &child)) {
		struct type *type;

		if (dwarf_tag(&child) != DW_TAG_formal_parameter)
			continue;
		type = type_of(b->p->in, b->type->module, &child);
		if (is_artificial(&child)) {
			*is_static = false;
			*is_const = is_const_method(type);
			continue;
		}
		fputs(count++ ? ", " : "", b->p->out);
		type_print_one(b->p, type, "", 0, 0);
	}
	if (!count && b->p->in->cplus)
		fputs("void", b->p->out);
	fputc(')', b->p->out);
}

/* Whether it is called like its class, whose name may have arguments of a template. */
static bool is_constructor(const struct type *type, const char *name)
{
	const char *own = type->name ? type->name : "", *at;
	size_t len = strlen(name);

	if (*name == '~')
		return true;
	for (at = own; len && (at = strstr(at, name)); at += len)
		if ((at == own || at[-1] == ':') && (!at[len] || at[len] == '<'))
			return true;
	return false;
}

static void print_method(struct body *b, Dwarf_Die *method)
{
	const char *name = dwarf_diename(method);
	bool is_const, is_static;

	if (!name || is_artificial(method))
		return;
	if (b->any && b->access)
		fputc('\n', b->p->out);
	b->any = false;
	label(b, method);
	fprintf(b->p->out, "%*s", b->level + 4, "");
	if (!dwarf_hasattr(method, DW_AT_object_pointer))
		fputs("static ", b->p->out);
	else if (number_of(method, DW_AT_virtuality, 0) && *name != '~')
		fputs("virtual ", b->p->out);
	if (!is_constructor(b->type, name)) {
		type_print_one(b->p, type_of(b->p->in, b->type->module, method), "", 0, 0);
		fputc(' ', b->p->out);
	}
	fputs(name, b->p->out);
	print_arguments(b, method, &is_const, &is_static);
	fputs(is_const ? " const;\n" : ";\n", b->p->out);
}

/* Labels are there when something is not what it is without a label. */
static bool needs_labels(const struct body *b, Dwarf_Die *child)
{
	int tag = dwarf_tag(child);

	if (tag != DW_TAG_member && tag != DW_TAG_subprogram && tag != DW_TAG_variable)
		return false;
	return access_of(b->type, child) !=
	       (b->type->is_class ? DW_ACCESS_private : DW_ACCESS_public);
}

void type_print_class(struct printing *p, struct type *type, int show, int level)
{
	struct body b = {.p = p, .type = type, .level = level};
	Dwarf_Die child;
	int more, count = 0;

	for (more = dwarf_child(&type->die, &child); more == 0;
	     more = dwarf_siblingof(&child, &child))
		b.labelled |= needs_labels(&b, &child);
	fputc('\n', p->out);
	for (size_t i = 0; i < type->member_count && level < 4 * NESTING_MAX; i++)
		print_data(&b, &type->members[i], show);
	if (!b.any)
		type_print_empty(p, type, level);
	type_offsets_end(p, type, b.end, level);
	for (more = dwarf_child(&type->die, &child);
	     !p->offsets && more == 0 && count < METHODS_MAX;
	     more = dwarf_siblingof(&child, &child), count++)
		if (dwarf_tag(&child) == DW_TAG_subprogram)
			print_method(&b, &child);
	type_offsets_indent(p, level);
	fputc('}', p->out);
}
