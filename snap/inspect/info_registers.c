// SPDX-License-Identifier: Apache-2.0
/* info registers: a line for each, in hexadecimal and by its type. */
#include "snap/inspect/eval.h"
#include "snap/inspect/format.h"
#include "snap/inspect/register_state.h"

static const char *const general[] = {
	"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp",     "rsp",	"r8",
	"r9",  "r10", "r11", "r12", "r13", "r14", "r15",     "rip",	"eflags",
	"cs",  "ss",  "ds",  "es",  "fs",  "gs",  "fs_base", "gs_base",
};

static void print_float(const struct format *f, struct value *value)
{
	sn_auto_free char *text = NULL;
	struct format own = *f;
	size_t len;

	own.out = text_stream(&text, &len);
	format_value(&own, value);
	fclose(own.out);
	fprintf(f->out, "%-19s (raw 0x", text);
	for (size_t i = value->type->size; i > 0; i--)
		fprintf(f->out, "%02x", value->bytes[i - 1]);
	fputc(')', f->out);
}

static int print_number(const struct format *f, struct value *value, struct sn_err *err)
{
	struct type *type = value->type;
	char hex[32];
	int64_t number;

	if (value_to_number(f->in, value, &number, err) < 0)
		return -1;
	snprintf(hex, sizeof(hex), "0x%lx",
		 type->size < 8 ? (uint64_t)number & ((UINT64_C(1) << (8 * type->size)) - 1)
				: (uint64_t)number);
	fprintf(f->out, "%-20s", hex);
	if (type->flags)
		format_flags(f->out, type, (uint64_t)number);
	else if (type->kind == TYPE_POINTER)
		format_address(f, (uint64_t)number);
	else
		fprintf(f->out, "%ld", number);
	return 0;
}

static int print_register(const struct context *context, FILE *out, const char *name,
			  struct sn_err *err)
{
	struct format f = {.in = context->in, .out = out};
	struct value *value = register_value(context, name, err);

	if (!value)
		return err->text[0] ? -1 : sn_fail(err, "Invalid register `%s'", name);
	fprintf(out, "%-15s", name);
	if (value->is_absent) {
		fputs("<not saved>", out);
	} else if (value->type->kind == TYPE_UNION) {
		f.letter = 'x';
		format_value(&f, value);
	} else if (value->type->kind == TYPE_FLOAT) {
		print_float(&f, value);
	} else if (print_number(&f, value, err) < 0) {
		return -1;
	}
	fputc('\n', out);
	return 0;
}

static int print_general(const struct context *context, FILE *out, struct sn_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < sn_countof(general) && rc == 0; i++)
		rc = print_register(context, out, general[i], err);
	return rc;
}

static int print_state(const struct context *context, FILE *out, enum state_group group,
		       struct sn_err *err)
{
	const Sn__Registers *registers = context->in->task->threads[context->thread]->registers;
	char name[STATE_NAME_MAX];
	int rc = 0;

	for (size_t i = 0; rc == 0 && state_name(registers, group, i, name); i++)
		rc = print_register(context, out, name, err);
	return rc;
}

/* A register, or a group of them. */
static int print_word(const struct context *context, FILE *out, const char *name,
		      struct sn_err *err)
{
	bool all = strcmp(name, "all") == 0, found = all;
	int rc = 0;

	if (all || strcmp(name, "general") == 0) {
		rc = print_general(context, out, err);
		found = true;
	}
	if (rc == 0 && (all || strcmp(name, "float") == 0)) {
		rc = print_state(context, out, STATE_FLOAT, err);
		found = true;
	}
	if (rc == 0 && (all || strcmp(name, "vector") == 0)) {
		rc = print_state(context, out, STATE_VECTOR, err);
		found = true;
	}
	return found ? rc : print_register(context, out, name + (*name == '$'), err);
}

static int print_named(const struct context *context, FILE *out, const char *names,
		       struct sn_err *err)
{
	while (*names) {
		size_t len = strcspn(names, " \t");
		sn_auto_free char *name = sn_strndup(names, len);

		if (print_word(context, out, name, err) < 0)
			return -1;
		names += len + strspn(names + len, " \t");
	}
	return 0;
}

int inspect_registers(struct inspect *in, struct spot spot, const char *names, char **text,
		      struct sn_err *err)
{
	struct context context;
	size_t len;
	FILE *out;
	int rc = 0;

	if (context_at(in, spot, &context, err) < 0)
		return -1;
	out = text_stream(text, &len);
	rc = *names ? print_named(&context, out, names, err) : print_general(&context, out, err);
	fclose(out);
	if (rc < 0) {
		free(*text);
		*text = NULL;
	}
	return rc;
}
