// SPDX-License-Identifier: Apache-2.0
/* Registers and the history as values: $rax, $al, $xmm0, $pc, $1, $$. */
#include "snap/inspect/eval.h"
#include "snap/inspect/evidence.h"
#include "snap/inspect/register_state.h"
#include "snap/inspect/register_types.h"

enum { PARTS = 4 };

/* By DWARF's numbers: all of it, and what is called by a name of its own. */
static const struct {
	const char *whole, *parts[PARTS];
} general[REG_COUNT] = {
	{"rax", {"eax", "ax", "al", "ah"}},
	{"rdx", {"edx", "dx", "dl", "dh"}},
	{"rcx", {"ecx", "cx", "cl", "ch"}},
	{"rbx", {"ebx", "bx", "bl", "bh"}},
	{"rsi", {"esi", "si", "sil"}},
	{"rdi", {"edi", "di", "dil"}},
	{"rbp", {"ebp", "bp", "bpl"}},
	{"rsp", {"esp", "", "spl"}},
	{"r8", {"r8d", "r8w", "r8l"}},
	{"r9", {"r9d", "r9w", "r9l"}},
	{"r10", {"r10d", "r10w", "r10l"}},
	{"r11", {"r11d", "r11w", "r11l"}},
	{"r12", {"r12d", "r12w", "r12l"}},
	{"r13", {"r13d", "r13w", "r13l"}},
	{"r14", {"r14d", "r14w", "r14l"}},
	{"r15", {"r15d", "r15w", "r15l"}},
	{"rip", {0}},
};
static const struct {
	unsigned size, offset;
} parts[PARTS] = {{4, 0}, {2, 0}, {1, 0}, {1, 1}};

/* What gdb calls them on every machine. */
static const struct {
	const char *name, *register_name;
} aliases[] = {{"pc", "rip"}, {"sp", "rsp"}, {"ps", "eflags"}};

static struct type *code_pointer(struct inspect *in)
{
	struct type *function = inspect_alloc(in, sizeof(*function));

	function->kind = TYPE_FUNCTION;
	function->size = 1;
	function->target = type_basic(in, BASIC_VOID);
	return type_pointer(in, function);
}

static struct type *type_of_whole(struct inspect *in, unsigned number)
{
	if (number == REG_RIP)
		return code_pointer(in);
	if (number == REG_RSP || number == REG_RBP)
		return type_pointer(in, type_basic(in, BASIC_VOID));
	return type_fixed(in, 8, true);
}

/* Of the context's frame. */
static struct value *general_value(const struct context *context, unsigned number,
				   struct type *type, unsigned offset, struct sn_err *err)
{
	struct piece piece = {.kind = PLACE_REGISTER, .number = number};
	struct value *value;

	if (!context->frame) {
		sn_fail(err, "No frame selected.");
		return NULL;
	}
	value = value_number(context->in, type, context->frame->regs[number] >> (8 * offset));
	value->is_absent = !(context->frame->known & (1U << number));
	value->home = home_new(context, &piece, 1);
	value->home_at = offset;
	return value;
}

static struct value *general_named(const struct context *context, const char *name,
				   struct sn_err *err)
{
	struct inspect *in = context->in;

	for (unsigned i = 0; i < REG_COUNT; i++) {
		if (strcmp(general[i].whole, name) == 0)
			return general_value(context, i, type_of_whole(in, i), 0, err);
		for (unsigned part = 0; part < PARTS; part++) {
			const char *own = general[i].parts[part];

			if (own && *own && strcmp(own, name) == 0)
				return general_value(context, i,
						     type_fixed(in, parts[part].size, true),
						     parts[part].offset, err);
		}
	}
	return NULL;
}

/* Those that no frame changes. */
static struct value *segment_named(const struct context *context, const char *name)
{
	const Sn__Registers *r = context->in->task->threads[context->thread]->registers;
	struct inspect *in = context->in;
	const struct {
		const char *name;
		uint64_t value;
		unsigned number; /* 0: it cannot be another one */
	} others[] = {
		{"eflags", r->eflags, REG_EFLAGS},
		{"cs", r->cs, 0},
		{"ss", r->ss, 0},
		{"ds", r->ds, 0},
		{"es", r->es, 0},
		{"fs", r->fs, 0},
		{"gs", r->gs, 0},
		{"fs_base", r->fs_base, REG_FS_BASE},
		{"gs_base", r->gs_base, REG_GS_BASE},
		{"orig_rax", r->orig_rax, REG_ORIG_RAX},
	};

	for (size_t i = 0; i < sn_countof(others); i++) {
		unsigned number = others[i].number;
		struct piece piece = {.kind = PLACE_REGISTER, .number = number};
		struct type *type;
		struct value *value;

		if (strcmp(others[i].name, name) != 0)
			continue;
		type = number == REG_EFLAGS ? register_type_eflags(in)
		       : number		    ? type_basic(in, BASIC_LONG)
					    : type_fixed(in, 4, true);
		value = value_number(in, type, others[i].value);
		value->home = number ? home_new(context, &piece, 1) : NULL;
		return value;
	}
	return NULL;
}

/* ---- x87, SSE, AVX ---- */

static struct type *type_of_state(struct inspect *in, const struct state_register *found)
{
	switch (found->kind) {
	case STATE_X87:
		return register_type_x87(in);
	case STATE_MXCSR:
		return register_type_mxcsr(in);
	case STATE_CONTROL:
		return type_basic(in, BASIC_INT);
	default:
		return register_type_vector(in, found->size);
	}
}

static struct value *state_named(const struct context *context, const char *name)
{
	struct inspect *in = context->in;
	struct piece halves[2] = {{.kind = PLACE_REGISTER, .size = 16},
				  {.kind = PLACE_REGISTER, .size = 16}};
	struct state_register found;
	struct value *value;

	if (!state_find(in->task->threads[context->thread]->registers, name, &found))
		return NULL;
	reads_use(in->reads, USES_VECTORS);
	value = value_new(in, type_of_state(in, &found));
	value->bytes = inspect_alloc(in, sizeof(found.bytes));
	memcpy(value->bytes, found.bytes, sizeof(found.bytes));
	if (found.kind != STATE_XMM && found.kind != STATE_YMM)
		return value;
	halves[0].number = REG_XMM0 + found.number;
	halves[1].number = REG_YMM0_HIGH + found.number;
	value->home = home_new(context, halves, found.kind == STATE_YMM ? 2 : 1);
	return value;
}

static struct value *base_value(const struct context *context, struct sn_err *err)
{
	struct type *type = type_pointer(context->in, type_basic(context->in, BASIC_VOID));
	struct value *value;
	uint64_t base = 0;
	bool known;

	if (!context->frame) {
		sn_fail(err, "No frame selected.");
		return NULL;
	}
	known = frame_pointer(context->in, context->frame, &base);
	value = value_number(context->in, type, base);
	value->is_absent = !known;
	return value;
}

struct value *register_value(const struct context *context, const char *name, struct sn_err *err)
{
	struct value *value;

	reads_use(context->in->reads, USES_REGISTERS | USES_AS_VALUE);
	for (size_t i = 0; i < sn_countof(aliases); i++) {
		if (strcmp(aliases[i].name, name) == 0)
			name = aliases[i].register_name;
	}
	err->text[0] = '\0';
	if (strcmp(name, "fp") == 0)
		return base_value(context, err);
	value = general_named(context, name, err);
	if (!value && !err->text[0])
		value = segment_named(context, name);
	return value || err->text[0] ? value : state_named(context, name);
}

const char *register_name(unsigned number)
{
	return number < REG_COUNT ? general[number].whole : NULL;
}

size_t history_add(struct inspect *in, struct value *value)
{
	struct value *kept = inspect_alloc(in, sizeof(*kept));

	*kept = *value;
	kept->is_fixed = true;
	kept->home = NULL; /* the frame it is of may go */
	in->history = sn_realloc(in->history, in->history_count + 1, sizeof(*in->history));
	in->history[in->history_count++] = kept;
	return in->history_count;
}

struct value *history_value(struct inspect *in, const char *name, struct sn_err *err)
{
	bool back = name[1] == '$';
	const char *digits = name + 1 + back;
	size_t number = in->history_count, n = strspn(digits, "0123456789");

	if (digits[n] || n > 9)
		return NULL;
	if (n)
		number = back ? in->history_count - strtoul(digits, NULL, 10)
			      : strtoul(digits, NULL, 10);
	else if (back)
		number = in->history_count - 1;
	if (in->history_count == 0 && !n)
		return value_new(in, type_basic(in, BASIC_VOID));
	if (number < 1 || number > in->history_count) {
		sn_fail(err, "History has not yet reached $%ld.", (long)number);
		return NULL;
	}
	return in->history[number - 1];
}
