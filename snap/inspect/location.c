// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/location.h"

#include "snap/inspect/evidence.h"

#include <dwarf.h>

enum {
	STACK_MAX = 256,
	STEPS_MAX = 100000,
	NESTING_MAX = 16,
};

struct machine {
	const struct context *context;
	uint64_t stack[STACK_MAX];
	size_t depth;
	Dwarf_Attribute *attr; /* where the expression is */
	uint64_t bias;	       /* of addresses in it */
	struct piece last;     /* how the current piece is described, when not by the stack */
	bool has_last;
	bool unknown; /* what it needs is not known: optimized out */
	int nesting;
	struct sn_err *err;
};

static int run(struct machine *m, const Dwarf_Op *ops, size_t count, struct place *place);

/* ---- registers ---- */

bool location_vector(const struct context *context, unsigned reg, uint8_t bytes[16])
{
	const Sn__Thread *thread = context->in->task->threads[context->thread];
	const ProtobufCBinaryData *xstate = &thread->registers->xstate;
	size_t at = FXSAVE_XMM + 16 * (size_t)(reg - REG_XMM0);

	reads_use(context->in->reads, USES_VECTORS);
	if (reg < REG_XMM0 || reg > REG_XMM15 || xstate->len < at + 16)
		return false;
	memcpy(bytes, xstate->data + at, 16);
	return true;
}

static int get_register(struct machine *m, uint64_t reg, uint64_t *value)
{
	const struct frame *frame = m->context->frame;

	if (!frame)
		return sn_fail(m->err, "No frame selected.");
	reads_use(m->context->in->reads, reg == REG_FS_BASE ? USES_FS_BASE : USES_REGISTERS);
	if (reg == REG_FS_BASE) {
		*value = m->context->in->task->threads[m->context->thread]->registers->fs_base;
		return 0;
	}
	*value = 0;
	if (reg >= REG_COUNT || !(frame->known & (1U << reg)))
		m->unknown = true;
	else
		*value = frame->regs[reg];
	return 0;
}

/* ---- frames ---- */

static int frame_base(struct machine *m, uint64_t *base)
{
	const struct frame *frame = m->context->frame;
	struct machine inner = {.context = m->context, .err = m->err, .nesting = m->nesting + 1};
	Dwarf_Attribute attr;
	Dwarf_Die function;
	Dwarf_Op *ops;
	size_t count;

	if (!frame || !frame->path_len || m->nesting > NESTING_MAX)
		return sn_fail(m->err, "No frame selected.");
	reads_use(m->context->in->reads, USES_REGISTERS);
	/* that of the function the inlined ones are in: their scopes lie one after another */
	function = frame->path[0];
	for (const Dwarf_Die *at = frame->path; dwarf_tag(&function) != DW_TAG_subprogram;)
		function = *--at;
	if (!dwarf_attr_integrate(&function, DW_AT_frame_base, &attr) ||
	    dwarf_getlocation_addr(&attr, frame->look - frame->bias, &ops, &count, 1) != 1) {
		m->unknown = true;
		*base = 0;
		return 0;
	}
	inner.attr = &attr;
	inner.bias = frame->bias;
	if (count == 1 && ops[0].atom >= DW_OP_reg0 && ops[0].atom <= DW_OP_reg31)
		return get_register(m, ops[0].atom - DW_OP_reg0, base);
	if (run(&inner, ops, count, NULL) < 0)
		return -1;
	m->unknown |= inner.unknown;
	*base = inner.depth ? inner.stack[inner.depth - 1] : 0;
	return 0;
}

/* ---- the stack machine ---- */

static int damaged(struct machine *m)
{
	return sn_fail(m->err, "the debug information is damaged: a location expression");
}

static int push(struct machine *m, uint64_t value)
{
	if (m->depth == STACK_MAX)
		return damaged(m);
	m->stack[m->depth++] = value;
	return 0;
}

static int load(struct machine *m, unsigned size)
{
	uint64_t value = 0;

	if (m->depth == 0 || size > sizeof(value))
		return damaged(m);
	if (m->unknown)
		return 0;
	if (inspect_read(m->context->in, m->stack[m->depth - 1], &value, size ? size : 8, m->err) <
	    0)
		return -1;
	m->stack[m->depth - 1] = value;
	return 0;
}

static int compute(struct machine *m, unsigned atom)
{
	uint64_t a, b, r = 0;

	if (m->depth < 2)
		return damaged(m);
	b = m->stack[--m->depth];
	a = m->stack[--m->depth];
	switch (atom) {
	case DW_OP_and:
		r = a & b;
		break;
	case DW_OP_or:
		r = a | b;
		break;
	case DW_OP_xor:
		r = a ^ b;
		break;
	case DW_OP_plus:
		r = a + b;
		break;
	case DW_OP_minus:
		r = a - b;
		break;
	case DW_OP_mul:
		r = a * b;
		break;
	case DW_OP_div:
		if (b == 0 || ((int64_t)a == INT64_MIN && (int64_t)b == -1))
			m->unknown = true;
		else
			r = (uint64_t)((int64_t)a / (int64_t)b);
		break;
	case DW_OP_mod:
		m->unknown |= b == 0;
		r = b ? a % b : 0;
		break;
	case DW_OP_shl:
		r = b < 64 ? a << b : 0;
		break;
	case DW_OP_shr:
		r = b < 64 ? a >> b : 0;
		break;
	case DW_OP_shra:
		r = (uint64_t)((int64_t)a >> (b < 63 ? b : 63));
		break;
	case DW_OP_eq:
		r = a == b;
		break;
	case DW_OP_ne:
		r = a != b;
		break;
	case DW_OP_lt:
		r = (int64_t)a < (int64_t)b;
		break;
	case DW_OP_le:
		r = (int64_t)a <= (int64_t)b;
		break;
	case DW_OP_gt:
		r = (int64_t)a > (int64_t)b;
		break;
	default: /* DW_OP_ge */
		r = (int64_t)a >= (int64_t)b;
		break;
	}
	return push(m, r);
}

/* A value as a basic type has it; floating ones are not computed with here. */
static int convert(struct machine *m, const Dwarf_Op *op)
{
	Dwarf_Die die;
	struct type *type;
	uint64_t *top = &m->stack[m->depth - 1];

	if (m->depth == 0)
		return damaged(m);
	if (!m->attr || dwarf_getlocation_die(m->attr, op, &die) != 0 ||
	    dwarf_tag(&die) != DW_TAG_base_type)
		return 0; /* to the generic type */
	type = type_at(m->context->in, m->context->module, &die);
	if (!type_is_integer(type) || type->size > 8)
		m->unknown = true;
	else if (type->size < 8 && type->is_signed)
		*top = (uint64_t)((int64_t)(*top << (64 - 8 * type->size)) >>
				  (64 - 8 * type->size));
	else if (type->size < 8)
		*top &= (UINT64_C(1) << (8 * type->size)) - 1;
	return 0;
}

static int stack_op(struct machine *m, const Dwarf_Op *op)
{
	uint64_t spare;

	switch (op->atom) {
	case DW_OP_dup:
		return m->depth ? push(m, m->stack[m->depth - 1]) : damaged(m);
	case DW_OP_over:
		return m->depth > 1 ? push(m, m->stack[m->depth - 2]) : damaged(m);
	case DW_OP_pick:
		return m->depth > op->number ? push(m, m->stack[m->depth - 1 - op->number])
					     : damaged(m);
	case DW_OP_drop:
		if (!m->depth)
			return damaged(m);
		m->depth--;
		return 0;
	case DW_OP_swap:
		if (m->depth < 2)
			return damaged(m);
		spare = m->stack[m->depth - 1];
		m->stack[m->depth - 1] = m->stack[m->depth - 2];
		m->stack[m->depth - 2] = spare;
		return 0;
	case DW_OP_rot:
		if (m->depth < 3)
			return damaged(m);
		spare = m->stack[m->depth - 1];
		m->stack[m->depth - 1] = m->stack[m->depth - 2];
		m->stack[m->depth - 2] = m->stack[m->depth - 3];
		m->stack[m->depth - 3] = spare;
		return 0;
	default: /* of one value */
		if (!m->depth)
			return damaged(m);
		break;
	}
	spare = m->stack[m->depth - 1];
	switch (op->atom) {
	case DW_OP_abs:
		spare = (int64_t)spare < 0 ? -spare : spare;
		break;
	case DW_OP_neg:
		spare = -spare;
		break;
	case DW_OP_not:
		spare = ~spare;
		break;
	default: /* DW_OP_plus_uconst */
		spare += op->number;
		break;
	}
	m->stack[m->depth - 1] = spare;
	return 0;
}

static int push_address(struct machine *m, const Dwarf_Op *op)
{
	Dwarf_Attribute attr;
	Dwarf_Addr addr = op->number;

	if (op->atom != DW_OP_addr &&
	    (!m->attr || dwarf_getlocation_attr(m->attr, op, &attr) != 0 ||
	     dwarf_formaddr(&attr, &addr) != 0))
		return damaged(m);
	/* an offset in the thread's block is no address */
	return push(m, op->atom == DW_OP_constx || op->atom == DW_OP_GNU_const_index
			       ? addr
			       : addr + m->bias);
}

static int push_tls(struct machine *m)
{
	if (!m->depth)
		return damaged(m);
	return tls_address(m->context, m->stack[m->depth - 1], &m->stack[m->depth - 1], m->err);
}

static int push_entry_value(struct machine *m, const Dwarf_Op *op)
{
	Dwarf_Attribute attr;
	Dwarf_Op *ops;
	size_t count;
	uint64_t value = 0;

	if (!m->attr || dwarf_getlocation_attr(m->attr, op, &attr) != 0 ||
	    dwarf_getlocation(&attr, &ops, &count) != 0 || count != 1)
		return damaged(m);
	if (ops[0].atom >= DW_OP_reg0 && ops[0].atom <= DW_OP_reg31)
		m->unknown |= entry_value(m->context, ops[0].atom - DW_OP_reg0, &value) != 1;
	else
		m->unknown = true;
	return push(m, value);
}

static void describe(struct machine *m, enum place_kind kind, uint64_t number)
{
	m->last = (struct piece){.kind = kind, .number = number};
	m->has_last = true;
}

static int describe_bytes(struct machine *m, const Dwarf_Op *op)
{
	Dwarf_Block block;

	if (!m->attr || dwarf_getlocation_implicit_value(m->attr, op, &block) != 0)
		return damaged(m);
	describe(m, PLACE_BYTES, 0);
	m->last.bytes = block.data;
	m->last.len = block.length;
	return 0;
}

/* Ends a piece of `size` bytes, 0 for the only one. */
static int end_piece(struct machine *m, struct place *place, size_t size, bool is_empty)
{
	struct piece *piece;

	if (!place || place->count == PIECES_MAX)
		return damaged(m);
	piece = &place->pieces[place->count++];
	if (m->unknown || is_empty)
		*piece = (struct piece){.kind = PLACE_NONE};
	else if (m->has_last)
		*piece = m->last;
	else
		*piece = (struct piece){.kind = PLACE_MEMORY, .number = m->stack[m->depth - 1]};
	piece->size = size;
	m->depth = 0;
	m->has_last = false;
	m->unknown = false;
	return 0;
}

static int push_breg(struct machine *m, uint64_t reg, uint64_t offset)
{
	uint64_t value = 0;

	if (get_register(m, reg, &value) < 0)
		return -1;
	return push(m, value + offset);
}

static int step_value(struct machine *m, const Dwarf_Op *op)
{
	uint64_t value = 0;

	switch (op->atom) {
	case DW_OP_fbreg:
		if (frame_base(m, &value) < 0)
			return -1;
		return push(m, value + op->number);
	case DW_OP_call_frame_cfa:
		if (location_cfa(m->context, &value, m->err) < 0)
			return -1;
		return push(m, value);
	case DW_OP_addr:
	case DW_OP_addrx:
	case DW_OP_constx:
	case DW_OP_GNU_addr_index:
	case DW_OP_GNU_const_index:
		return push_address(m, op);
	case DW_OP_GNU_push_tls_address:
	case DW_OP_form_tls_address:
		return push_tls(m);
	case DW_OP_entry_value:
	case DW_OP_GNU_entry_value:
		return push_entry_value(m, op);
	case DW_OP_regval_type:
	case DW_OP_GNU_regval_type:
		return push_breg(m, op->number, 0);
	case DW_OP_deref:
		return load(m, 8);
	case DW_OP_deref_size:
	case DW_OP_deref_type:
	case DW_OP_GNU_deref_type:
		return load(m, (unsigned)op->number);
	case DW_OP_convert:
	case DW_OP_GNU_convert:
	case DW_OP_reinterpret:
	case DW_OP_GNU_reinterpret:
		return convert(m, op);
	default: /* one nobody wrote down here: the value is not known */
		m->unknown = true;
		return push(m, 0);
	}
}

static int step(struct machine *m, const Dwarf_Op *op, struct place *place)
{
	unsigned atom = op->atom;

	if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31)
		return push(m, atom - DW_OP_lit0);
	if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
		return push_breg(m, atom - DW_OP_breg0, op->number);
	if (atom >= DW_OP_reg0 && atom <= DW_OP_reg31) {
		describe(m, PLACE_REGISTER, atom - DW_OP_reg0);
		return 0;
	}
	if (atom >= DW_OP_const1u && atom <= DW_OP_consts)
		return push(m, op->number);
	switch (atom) {
	case DW_OP_regx:
		describe(m, PLACE_REGISTER, op->number);
		return 0;
	case DW_OP_bregx:
		return push_breg(m, op->number, op->number2);
	case DW_OP_stack_value:
		describe(m, PLACE_VALUE, m->depth ? m->stack[m->depth - 1] : 0);
		return 0;
	case DW_OP_implicit_value:
		return describe_bytes(m, op);
	case DW_OP_piece:
		return end_piece(m, place, op->number, !m->has_last && !m->depth);
	case DW_OP_nop:
		return 0;
	case DW_OP_dup:
	case DW_OP_over:
	case DW_OP_pick:
	case DW_OP_drop:
	case DW_OP_swap:
	case DW_OP_rot:
	case DW_OP_abs:
	case DW_OP_neg:
	case DW_OP_not:
	case DW_OP_plus_uconst:
		return stack_op(m, op);
	default:
		break;
	}
	if ((atom >= DW_OP_and && atom <= DW_OP_xor && atom != DW_OP_plus_uconst) ||
	    (atom >= DW_OP_eq && atom <= DW_OP_ne))
		return compute(m, atom);
	return step_value(m, op);
}

/* The operation that a branch from `op` goes to; `count` when it leaves the expression. */
static size_t branch(const Dwarf_Op *ops, size_t count, const Dwarf_Op *op)
{
	Dwarf_Word to = op->offset + 3 + (Dwarf_Word)(int16_t)op->number;
	size_t i;

	for (i = 0; i < count && ops[i].offset != to; i++)
		;
	return i;
}

static int run(struct machine *m, const Dwarf_Op *ops, size_t count, struct place *place)
{
	size_t steps = 0;

	for (size_t i = 0; i < count;) {
		if (++steps > STEPS_MAX)
			return damaged(m);
		if (ops[i].atom == DW_OP_skip || ops[i].atom == DW_OP_bra) {
			bool taken = ops[i].atom == DW_OP_skip;

			if (!taken) {
				if (!m->depth)
					return damaged(m);
				taken = m->stack[--m->depth] != 0;
			}
			i = taken ? branch(ops, count, &ops[i]) : i + 1;
			continue;
		}
		if (step(m, &ops[i], place) < 0)
			return -1;
		i++;
	}
	return 0;
}

/* ---- variables ---- */

static int location_const(Dwarf_Attribute *attr, struct place *place)
{
	Dwarf_Block block;
	Dwarf_Sword number;

	place->count = 1;
	place->pieces[0] = (struct piece){.kind = PLACE_NONE};
	if (dwarf_formsdata(attr, &number) == 0)
		place->pieces[0] = (struct piece){.kind = PLACE_VALUE, .number = (uint64_t)number};
	else if (dwarf_formblock(attr, &block) == 0)
		place->pieces[0] = (struct piece){
			.kind = PLACE_BYTES,
			.bytes = block.data,
			.len = block.length,
		};
	return 0;
}

/* The operations that hold at the frame's address. 1; 0: there are none, it is optimized out. */
static int find_ops(const struct context *context, Dwarf_Attribute *attr, Dwarf_Op **ops,
		    size_t *count)
{
	const struct frame *frame = context->frame;

	if (dwarf_getlocation(attr, ops, count) == 0)
		return *count > 0;
	if (!frame || !frame->has_cu)
		return 0;
	reads_use(context->in->reads, USES_REGISTERS); /* the address it is at */
	return dwarf_getlocation_addr(attr, frame->look - frame->bias, ops, count, 1) == 1 &&
	       *count > 0;
}

int location_run(const struct context *context, Dwarf_Attribute *attr, uint64_t bias,
		 const Dwarf_Op *ops, size_t count, struct place *place, struct sn_err *err)
{
	struct machine m = {.context = context, .attr = attr, .bias = bias, .err = err};

	place->count = 0;
	if (run(&m, ops, count, place) < 0)
		return -1;
	if (place->count == 0)
		return end_piece(&m, place, 0, !m.has_last && !m.depth);
	return 0;
}

int location_of(const struct context *context, Dwarf_Die *die, struct place *place,
		struct sn_err *err)
{
	Dwarf_Attribute attr;
	Dwarf_Addr bias;
	Dwarf_Op *ops;
	size_t count;

	place->count = 1;
	place->pieces[0] = (struct piece){.kind = PLACE_NONE};
	if (dwarf_attr_integrate(die, DW_AT_const_value, &attr))
		return location_const(&attr, place);
	if (!dwarf_attr_integrate(die, DW_AT_location, &attr) ||
	    find_ops(context, &attr, &ops, &count) != 1)
		return 0;
	dwfl_module_getdwarf(context->module->dwfl, &bias);
	return location_run(context, &attr, bias, ops, count, place, err);
}

int location_number(const struct context *context, Dwarf_Attribute *attr, uint64_t *number,
		    struct sn_err *err)
{
	struct machine m = {.context = context, .attr = attr, .err = err};
	Dwarf_Op *ops;
	size_t count;

	if (find_ops(context, attr, &ops, &count) != 1)
		return sn_fail(err, "the value is optimized out");
	dwfl_module_getdwarf(context->module->dwfl, &m.bias);
	if (run(&m, ops, count, NULL) < 0)
		return -1;
	if (m.unknown || (!m.depth && !m.has_last))
		return sn_fail(err, "the value is optimized out");
	*number = m.depth ? m.stack[m.depth - 1] : m.last.number;
	return 0;
}

bool location_address(Dwarf_Attribute *attr, const Dwarf_Op *ops, size_t count, uint64_t *addr)
{
	Dwarf_Attribute indexed;

	if (count != 1)
		return false;
	*addr = ops[0].number;
	return ops[0].atom == DW_OP_addr ||
	       ((ops[0].atom == DW_OP_addrx || ops[0].atom == DW_OP_GNU_addr_index) &&
		dwarf_getlocation_attr(attr, &ops[0], &indexed) == 0 &&
		dwarf_formaddr(&indexed, addr) == 0);
}
