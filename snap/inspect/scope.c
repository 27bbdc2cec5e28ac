// SPDX-License-Identifier: Apache-2.0
/* info scope: where the variables of a block are kept, without their values. */
#include "snap/inspect/eval.h"
#include "snap/inspect/lookup.h"

#include <dwarf.h>

struct scope {
	struct inspect *in;
	const struct frame *frame;
	const char *where;
	FILE *out;
	size_t count;
};

static const char *operation_name(uint8_t atom)
{
	static const struct {
		uint8_t atom;
		const char *name;
	} names[] = {
		{DW_OP_addr, "addr"},	{DW_OP_deref, "deref"},
		{DW_OP_fbreg, "fbreg"}, {DW_OP_call_frame_cfa, "call_frame_cfa"},
		{DW_OP_plus, "plus"},	{DW_OP_plus_uconst, "plus_uconst"},
		{DW_OP_minus, "minus"}, {DW_OP_stack_value, "stack_value"},
		{DW_OP_piece, "piece"}, {DW_OP_implicit_value, "implicit_value"},
		{DW_OP_consts, "consts"}, {DW_OP_constu, "constu"},
	};

	for (size_t i = 0; i < sn_countof(names); i++) {
		if (names[i].atom == atom)
			return names[i].name;
	}
	return NULL;
}

static void print_operation(FILE *out, const Dwarf_Op *op)
{
	const char *name = operation_name(op->atom);

	fprintf(out, "  %4lu: DW_OP_", op->offset);
	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31)
		fprintf(out, "breg%u %ld [$%s]", op->atom - DW_OP_breg0, (long)op->number,
			register_name(op->atom - DW_OP_breg0) ?: "?");
	else if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31)
		fprintf(out, "lit%u", op->atom - DW_OP_lit0);
	else if (name)
		fputs(name, out);
	else
		fprintf(out, "0x%02x", op->atom);
	if (op->atom == DW_OP_fbreg || op->atom == DW_OP_consts)
		fprintf(out, " %ld", (long)op->number);
	else if (op->atom == DW_OP_plus_uconst || op->atom == DW_OP_constu)
		fprintf(out, " %lu", op->number);
	fputc('\n', out);
}

static void print_operations(const struct scope *s, Dwarf_Attribute *attr, const Dwarf_Op *ops,
			     size_t count)
{
	const char *name = NULL;
	Dwarf_Addr addr;

	if (location_address(attr, ops, count, &addr)) {
		fprintf(s->out, "in static storage at address 0x%lx", addr + s->frame->bias);
		return;
	}
	if (count == 1 && ops->atom >= DW_OP_reg0 && ops->atom <= DW_OP_reg31)
		name = register_name(ops->atom - DW_OP_reg0);
	if (name) {
		fprintf(s->out, "a variable in $%s", name);
		return;
	}
	fputs("a complex DWARF expression:\n", s->out);
	for (size_t i = 0; i < count; i++)
		print_operation(s->out, &ops[i]);
}

static void print_list(const struct scope *s, Dwarf_Attribute *attr)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;
	Dwarf_Op *ops;
	size_t count;

	fputs("multi-location:\n", s->out);
	while ((at = dwarf_getlocations(attr, at, &base, &start, &end, &ops, &count)) > 0) {
		fprintf(s->out, "  Range 0x%lx-0x%lx: ", start + s->frame->bias,
			end + s->frame->bias);
		print_operations(s, attr, ops, count);
		fputc('\n', s->out);
	}
}

static void print_location(const struct scope *s, Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	Dwarf_Sword number;
	Dwarf_Op *ops;
	size_t count;

	if (dwarf_attr_integrate(die, DW_AT_const_value, &attr) &&
	    dwarf_formsdata(&attr, &number) == 0)
		fprintf(s->out, "constant %ld", number);
	else if (!dwarf_attr_integrate(die, DW_AT_location, &attr))
		fputs("optimized out", s->out);
	else if (dwarf_whatform(&attr) != DW_FORM_exprloc &&
		 dwarf_whatform(&attr) != DW_FORM_block1)
		print_list(s, &attr);
	else if (dwarf_getlocation(&attr, &ops, &count) == 0 && count)
		print_operations(s, &attr, ops, count);
	else
		fputs("optimized out", s->out);
}

static void print_variable(void *arg, Dwarf_Die *die)
{
	struct scope *s = arg;
	struct type *type = type_strip(type_of(s->in, s->frame->module, die));

	if (!s->count++)
		fprintf(s->out, "Scope for %s:\n", s->where);
	fprintf(s->out, "Symbol %s is ", dwarf_diename(die));
	print_location(s, die);
	if (dwarf_hasattr_integrate(die, DW_AT_location) ||
	    dwarf_hasattr_integrate(die, DW_AT_const_value))
		fprintf(s->out, ", length %lu", type->size);
	fputs(".\n", s->out);
}

static void print_blocks(struct scope *s)
{
	for (size_t i = s->frame->path_len; i > 0; i--) {
		Dwarf_Die block = s->frame->path[i - 1];

		lookup_block(&block, true, print_variable, s);
		lookup_block(&block, false, print_variable, s);
	}
	if (!s->count)
		fprintf(s->out, "Scope for %s contains no locals or arguments.\n", s->where);
}

int inspect_scope(struct inspect *in, struct spot spot, const char *where, char **text,
		  struct sn_err *err)
{
	struct scope scope = {.in = in, .where = where};
	struct frame frame = {0};
	struct stack stack = {0};
	size_t len;

	if (!*where)
		return sn_fail(err, "requires an argument (function, line or *addr) to define "
				    "a scope");
	if (source_address(in, spot, where, &frame.pc, err) < 0)
		return -1;
	frame.look = frame.pc;
	frame.module = modules_at(in, frame.pc);
	frames_append(in, &stack, &frame);
	scope.frame = &stack.frames[0];
	*text = NULL;
	scope.out = open_memstream(text, &len);
	if (!scope.out)
		abort();
	print_blocks(&scope);
	fclose(scope.out);
	free(stack.frames);
	return 0;
}
