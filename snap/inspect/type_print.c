// SPDX-License-Identifier: Apache-2.0
/*
 * Types in C's own, inside-out notation: the innermost type, what stands before the name, the
 * name, what stands behind it. `show` is gdb's: above 0 members are shown, below 0 as {...}.
 */
#include "snap/inspect/type_print.h"

#include "snap/inspect/cplus.h"

/* The type that all pointers, arrays and functions lead to. */
static struct type *innermost(struct type *type)
{
	for (;;) {
		switch (type->kind) {
		case TYPE_POINTER:
		case TYPE_REFERENCE:
		case TYPE_MEMBER:
		case TYPE_ARRAY:
		case TYPE_FUNCTION:
			type = type->target;
			break;
		case TYPE_QUALIFIED: { /* of a pointer it stands behind the star */
			struct type *bare = type;

			while (bare->kind == TYPE_QUALIFIED)
				bare = bare->target;
			if (bare->kind != TYPE_POINTER && bare->kind != TYPE_ARRAY &&
			    bare->kind != TYPE_FUNCTION)
				return type;
			type = bare;
			break;
		}
		default:
			return type;
		}
	}
}

/* In C++ a name says enough. */
static const char *keyword(const struct printing *p, const struct type *type, int show)
{
	if (p->in->cplus && show <= 0)
		return "";
	switch (type->kind) {
	case TYPE_STRUCT:
		return type->is_class ? "class " : "struct ";
	case TYPE_UNION:
		return "union ";
	case TYPE_ENUM:
		return "enum ";
	default:
		return "";
	}
}

/* ---- bodies ---- */

static void print_enumerators(struct printing *p, struct type *type)
{
	int64_t next = 0;

	for (size_t i = 0; i < type->member_count; i++) {
		const struct member *member = &type->members[i];

		fprintf(p->out, "%s%s", i ? ", " : "", member->name ? member->name : "");
		if (member->value != next) {
			fprintf(p->out, " = %ld", member->value);
			next = member->value;
		}
		next++;
	}
	fputc('}', p->out);
}

void type_print_empty(const struct printing *p, const struct type *type, int level)
{
	type_offsets_blank(p);
	fprintf(p->out, "%*s%s\n", level + 4, "",
		type->is_incomplete ? "<incomplete type>" : "<no data fields>");
}

void type_print_member(struct printing *p, const struct member *member, int show, int level)
{
	struct printing within = type_offsets_within(p, member);

	fprintf(p->out, "%*s%s", level + 4, "", member->is_static ? "static " : "");
	type_print_one(&within, member->type, member->name ? member->name : "",
		       p->offsets && within.is_whole ? show : show - 1, level + 4);
	if (member->bit_size)
		fprintf(p->out, " : %u", member->bit_size);
	fputs(";\n", p->out);
}

static void print_members(struct printing *p, struct type *type, int show, int level)
{
	uint64_t end = 0;

	fputc('\n', p->out);
	if (type->member_count == 0)
		type_print_empty(p, type, level);
	for (size_t i = 0; i < type->member_count && level < 4 * NESTING_MAX; i++) {
		type_offsets_member(p, type, &type->members[i], &end);
		type_print_member(p, &type->members[i], show, level);
	}
	type_offsets_end(p, type, end, level);
	type_offsets_indent(p, level);
	fputc('}', p->out);
}

/* In one order, however the debug information nests them. */
static void print_qualifiers(struct printing *p, struct type *type, const char *before,
			     const char *behind)
{
	static const char *const order[] = {"const", "volatile", "restrict", "_Atomic"};

	for (size_t i = 0; i < sn_countof(order); i++) {
		for (struct type *at = type; at->kind == TYPE_QUALIFIED; at = at->target) {
			if (strcmp(at->name, order[i]) == 0) {
				fprintf(p->out, "%s%s%s", before, order[i], behind);
				break;
			}
		}
	}
}

/* What the template at hand calls a type; NULL: nothing else. */
static const char *template_name(const struct printing *p, const struct type *type)
{
	for (size_t i = 0; i < p->with_count; i++)
		if (p->with[i].type == type)
			return p->with[i].name;
	return NULL;
}

/* "enum class geo::Kind : unsigned char {" */
static void print_open(struct printing *p, struct type *type)
{
	bool cplus = type->has_die && cplus_is(&type->die);

	fprintf(p->out, "%s%s%s%s", keyword(p, type, 1), type->is_scoped ? "class " : "",
		type->name ? type->name : "", type->name ? " " : "");
	if (cplus && type->kind == TYPE_ENUM && p->in->cplus) {
		sn_auto_free char *name =
			type_name(p->in, type_of(p->in, type->module, &type->die));

		fprintf(p->out, ": %s ", name);
	} else if (cplus && type->kind != TYPE_ENUM) {
		type_print_head(p, type);
	}
	fputc('{', p->out);
}

static void print_flag_names(struct printing *p, const struct type *type)
{
	fprintf(p->out, "flag %s {\n", type->name);
	for (size_t bit = 0; bit < type->flag_count; bit++) {
		if (type->flags[bit])
			fprintf(p->out, "    bool %s%s@%zu;\n", type->flags[bit],
				*type->flags[bit] ? " " : "", bit);
	}
	fputc('}', p->out);
}

static void print_base(struct printing *p, struct type *type, int show, int level)
{
	struct printing within = {.in = p->in, .out = p->out, .offsets = p->offsets};
	const char *other;

	within.is_whole = p->is_whole;
	within.base = p->base;
	print_qualifiers(p, type, "", " ");
	while (type->kind == TYPE_QUALIFIED)
		type = type->target;
	other = template_name(p, type);
	if (other) {
		fputs(other, p->out);
		return;
	}
	if (show <= 0 && type->name) {
		fprintf(p->out, "%s%s", keyword(p, type, show), type->name);
		return;
	}
	if (type->flags && show > 0) {
		print_flag_names(p, type);
		return;
	}
	switch (type->kind) {
	case TYPE_STRUCT:
	case TYPE_UNION:
	case TYPE_ENUM:
		print_open(&within, type);
		if (show < 0) {
			fputs("...}", p->out);
			break;
		}
		type_members(p->in, type);
		if (type->kind == TYPE_ENUM)
			print_enumerators(p, type);
		else if (type->has_die && cplus_is(&type->die))
			type_print_class(&within, type, show, level);
		else
			print_members(p, type, show, level);
		break;
	case TYPE_TYPEDEF:
		print_base(p, type->target, show, level);
		break;
	default:
		fputs(type->name ? type->name : "void", p->out);
		break;
	}
}

/* ---- around the name ---- */

static void print_prefix(struct printing *p, struct type *type, bool pointed)
{
	struct type *bare = type;

	while (bare->kind == TYPE_QUALIFIED)
		bare = bare->target;
	switch (bare->kind) {
	case TYPE_MEMBER:
		print_prefix(p, bare->target, true);
		fprintf(p->out, "%s::*", bare->class->name ? bare->class->name : "");
		break;
	case TYPE_POINTER:
	case TYPE_REFERENCE:
		print_prefix(p, bare->target, true);
		fputs(bare->kind == TYPE_POINTER ? "*" : bare->is_rvalue ? "&&" : "&", p->out);
		print_qualifiers(p, type, " ", "");
		break;
	case TYPE_ARRAY:
	case TYPE_FUNCTION:
		print_prefix(p, bare->target, false);
		if (pointed)
			fputc('(', p->out);
		break;
	default:
		break;
	}
}

static void print_parameters(struct printing *p, struct type *type)
{
	type_members(p->in, type);
	fputc('(', p->out);
	for (size_t i = 0; i < type->member_count; i++) {
		fputs(i ? ", " : "", p->out);
		type_print_one(p, type->members[i].type, "", 0, 0);
	}
	if (type->member_count == 0 && type->is_prototyped)
		fputs("void", p->out);
	fputc(')', p->out);
}

static void print_suffix(struct printing *p, struct type *type, bool pointed)
{
	while (type->kind == TYPE_QUALIFIED)
		type = type->target;
	switch (type->kind) {
	case TYPE_POINTER:
	case TYPE_REFERENCE:
	case TYPE_MEMBER:
		print_suffix(p, type->target, true);
		break;
	case TYPE_ARRAY:
		if (pointed)
			fputc(')', p->out);
		if (type->is_vector)
			fprintf(p->out, " __attribute__ ((vector_size(%lu)))", type->count);
		else if (type->has_count)
			fprintf(p->out, "[%lu]", type->count);
		else
			fputs("[]", p->out);
		print_suffix(p, type->target, false);
		break;
	case TYPE_FUNCTION:
		if (pointed)
			fputc(')', p->out);
		print_parameters(p, type);
		print_suffix(p, type->target, false);
		break;
	default:
		break;
	}
}

/* `const` of a pointer with a name behind it: "char * const p". */
static bool ends_with_word(struct type *type)
{
	struct type *bare = type;

	for (;;) {
		while (bare->kind == TYPE_QUALIFIED)
			bare = bare->target;
		if (bare->kind != TYPE_ARRAY)
			return bare != type && bare->kind == TYPE_POINTER;
		type = bare = bare->target;
	}
}

void type_print_one(struct printing *p, struct type *type, const char *name, int show, int level)
{
	struct type *base = innermost(type);

	if (template_name(p, type)) {
		fprintf(p->out, "%s%s%s", template_name(p, type), *name ? " " : "", name);
		return;
	}

	print_base(p, base, show, level);
	if (*name || (base != type && !type->is_vector))
		fputc(' ', p->out);
	print_prefix(p, type, false);
	if (*name && ends_with_word(type))
		fputc(' ', p->out);
	fputs(name, p->out);
	print_suffix(p, type, false);
}

static char *print(struct inspect *in, struct type *type, const char *name, int show)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct printing p = {.in = in, .out = out};

	if (!out)
		abort();
	type_print_one(&p, type, name, show, 0);
	fclose(out);
	return text;
}

char *type_name(struct inspect *in, struct type *type)
{
	return print(in, type, "", -1);
}

char *type_declaration(struct inspect *in, struct type *type, const char *name)
{
	return print(in, type, name, 0);
}

struct type *type_resolved(struct inspect *in, struct type *type)
{
	struct type *copy;

	switch (type->kind) {
	case TYPE_TYPEDEF:
		return type_resolved(in, type->target);
	case TYPE_QUALIFIED:
	case TYPE_POINTER:
	case TYPE_REFERENCE:
	case TYPE_MEMBER:
	case TYPE_ARRAY:
	case TYPE_FUNCTION:
		copy = inspect_alloc(in, sizeof(*copy));
		*copy = *type;
		copy->target = type_resolved(in, type->target);
		return copy;
	default:
		return type;
	}
}

char *type_text(struct inspect *in, struct type *type)
{
	return print(in, type_resolved(in, type), "", 1);
}
