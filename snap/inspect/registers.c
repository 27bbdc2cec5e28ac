// SPDX-License-Identifier: Apache-2.0
/* Registers and the history as values: $rax, $pc, $1, $$. */
#include "snap/inspect/eval.h"
#include "snap/inspect/evidence.h"

enum kind {
	KIND_LONG,
	KIND_INT,     /* the lower half of one */
	KIND_POINTER, /* void * */
	KIND_CODE,    /* void (*)() */
};

static const struct {
	const char *name;
	unsigned number; /* DWARF's */
	enum kind kind;
} registers[] = {
	{"rax", 0, KIND_LONG},	  {"rbx", 3, KIND_LONG},    {"rcx", 2, KIND_LONG},
	{"rdx", 1, KIND_LONG},	  {"rsi", 4, KIND_LONG},    {"rdi", 5, KIND_LONG},
	{"rbp", 6, KIND_POINTER}, {"rsp", 7, KIND_POINTER}, {"r8", 8, KIND_LONG},
	{"r9", 9, KIND_LONG},	  {"r10", 10, KIND_LONG},   {"r11", 11, KIND_LONG},
	{"r12", 12, KIND_LONG},	  {"r13", 13, KIND_LONG},   {"r14", 14, KIND_LONG},
	{"r15", 15, KIND_LONG},	  {"rip", 16, KIND_CODE},   {"pc", 16, KIND_CODE},
	{"sp", 7, KIND_POINTER},  {"fp", 6, KIND_POINTER},  {"eax", 0, KIND_INT},
	{"ebx", 3, KIND_INT},	  {"ecx", 2, KIND_INT},	    {"edx", 1, KIND_INT},
	{"esi", 4, KIND_INT},	  {"edi", 5, KIND_INT},	    {"ebp", 6, KIND_INT},
	{"esp", 7, KIND_INT},
};

static struct type *type_of_kind(struct inspect *in, enum kind kind)
{
	struct type *function, *number;

	switch (kind) {
	case KIND_LONG:
		number = inspect_alloc(in, sizeof(*number));
		*number = *type_basic(in, BASIC_LONG);
		number->name = "int64_t";
		return number;
	case KIND_INT:
		return type_basic(in, BASIC_INT);
	case KIND_POINTER:
		return type_pointer(in, type_basic(in, BASIC_VOID));
	default:
		function = inspect_alloc(in, sizeof(*function));
		function->kind = TYPE_FUNCTION;
		function->size = 1;
		function->target = type_basic(in, BASIC_VOID);
		return type_pointer(in, function);
	}
}

/* Those that no frame changes. */
static struct value *other_register(const struct context *context, const char *name)
{
	const Sn__Registers *r = context->in->task->threads[context->thread]->registers;
	struct type *integer = type_basic(context->in, BASIC_INT);
	const struct {
		const char *name;
		uint64_t value;
		bool is_long;
		unsigned number; /* 0: it cannot be another one */
	} others[] = {
		{"eflags", r->eflags, false, REG_EFLAGS},
		{"cs", r->cs, false, 0},
		{"ss", r->ss, false, 0},
		{"ds", r->ds, false, 0},
		{"es", r->es, false, 0},
		{"fs", r->fs, false, 0},
		{"gs", r->gs, false, 0},
		{"fs_base", r->fs_base, true, REG_FS_BASE},
		{"gs_base", r->gs_base, true, REG_GS_BASE},
		{"orig_rax", r->orig_rax, true, REG_ORIG_RAX},
	};

	for (size_t i = 0; i < sn_countof(others); i++) {
		struct piece piece = {.kind = PLACE_REGISTER, .number = others[i].number};
		struct value *value;

		if (strcmp(others[i].name, name) != 0)
			continue;
		value = value_number(context->in,
				     others[i].is_long ? type_basic(context->in, BASIC_LONG)
						       : integer,
				     others[i].value);
		value->home = others[i].number ? home_new(context, &piece, 1) : NULL;
		return value;
	}
	return NULL;
}

struct value *register_value(const struct context *context, const char *name, struct sn_err *err)
{
	struct piece piece = {.kind = PLACE_REGISTER};
	struct value *value;

	reads_use(context->in->reads, USES_REGISTERS | USES_AS_VALUE);
	for (size_t i = 0; i < sn_countof(registers); i++) {
		unsigned number = registers[i].number;

		if (strcmp(registers[i].name, name) != 0)
			continue;
		if (!context->frame) {
			sn_fail(err, "No frame selected.");
			return NULL;
		}
		value = value_number(context->in, type_of_kind(context->in, registers[i].kind),
				     context->frame->regs[number]);
		value->is_absent = !(context->frame->known & (1U << number));
		piece.number = number;
		value->home = home_new(context, &piece, 1);
		return value;
	}
	return other_register(context, name);
}

const char *register_name(unsigned number)
{
	for (size_t i = 0; i < sn_countof(registers); i++) {
		if (registers[i].number == number)
			return registers[i].name;
	}
	return NULL;
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
