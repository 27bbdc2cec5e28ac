// SPDX-License-Identifier: Apache-2.0
/* ptype/o: where each member of a struct is, how large, and what lies between. */
#include "snap/inspect/type_print.h"

enum { COLUMN = 27 }; /* of what stands in front of a member */

static bool is_compound(const struct type *type)
{
	return type->kind == TYPE_STRUCT || type->kind == TYPE_UNION;
}

void type_offsets_indent(const struct printing *p, int level)
{
	fprintf(p->out, "%*s", level + (p->offsets ? COLUMN + (level == 0 ? 2 : 0) : 0), "");
}

void type_offsets_blank(const struct printing *p)
{
	fprintf(p->out, "%*s", p->offsets ? COLUMN : 0, "");
}

/* "hole", "padding": behind another member, not behind a base class. */
static void print_gap(const struct printing *p, uint64_t begin, uint64_t end, const char *what)
{
	if (!begin || end <= begin)
		return;
	if ((end - begin) % 8)
		fprintf(p->out, "/* XXX %2lu-bit %-10s */\n", (end - begin) % 8, what);
	if ((end - begin) / 8)
		fprintf(p->out, "/* XXX %2lu-byte %-9s */\n", (end - begin) / 8, what);
}

void type_offsets_member(const struct printing *p, const struct type *type,
			 const struct member *member, uint64_t *end)
{
	uint64_t begin = 8 * member->offset + member->bit_offset, at = p->base + member->offset;

	if (!p->offsets)
		return;
	if (member->is_static) {
		type_offsets_blank(p);
		return;
	}
	if (type->kind == TYPE_UNION) {
		fprintf(p->out, "/* %21lu */", member->type->size);
		return;
	}
	print_gap(p, *end, begin, "hole");
	if (member->bit_size)
		fprintf(p->out, "/* %6lu:%2u   | %7lu */", at, member->bit_offset,
			member->type->size);
	else
		fprintf(p->out, "/* %6lu      | %7lu */", at, member->type->size);
	*end = begin + (member->bit_size ? member->bit_size : 8 * member->type->size);
}

void type_offsets_end(const struct printing *p, const struct type *type, uint64_t end, int level)
{
	if (!p->offsets || !p->is_whole)
		return;
	if (type->kind == TYPE_STRUCT)
		print_gap(p, end, 8 * type->size, "padding");
	fprintf(p->out, "\n%*s/* total size (bytes): %4lu */\n", COLUMN + level + 4, "",
		type->size);
}

struct printing type_offsets_within(const struct printing *p, const struct member *member)
{
	struct printing own = *p;

	own.is_whole = is_compound(member->type);
	own.base = own.is_whole ? p->base + member->offset : 0;
	return own;
}

char *type_text_offsets(struct inspect *in, struct type *type)
{
	char *text = NULL;
	size_t len;
	FILE *out = text_stream(&text, &len);
	struct printing p = {.in = in, .out = out, .offsets = true, .is_whole = true};

	/* gdb does not say it of a typedef */
	fputs(is_compound(type) ? "/* offset      |    size */  type = " : "type = ", out);
	type_print_one(&p, type_resolved(in, type), "", 1, 0);
	fclose(out);
	return text;
}
