// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/variables.h"

#include "snap/inspect/eval.h"
#include "snap/inspect/format.h"

enum { VARIABLE_BYTES_MAX = 1 << 20 };

struct variable {
	char *name;
	char *type_name;
	enum type_kind kind; /* what kind of type, where none of that name is found */
	bool is_signed;
	struct inspect *of; /* whose `type` is; NULL: it is to be looked for */
	struct type *type;
	uint8_t *bytes;
	size_t size;
	uint64_t *changes; /* of all of them */
};

struct variables {
	struct variable **list; /* in the order in which they were first assigned to */
	size_t count;
	uint64_t changes;
};

struct variables *variables_new(void)
{
	return sn_calloc(1, sizeof(struct variables));
}

static void clear(struct variable *v)
{
	free(v->type_name);
	free(v->bytes);
}

void variables_free(struct variables *variables)
{
	if (!variables)
		return;
	for (size_t i = 0; i < variables->count; i++) {
		clear(variables->list[i]);
		free(variables->list[i]->name);
		free(variables->list[i]);
	}
	free(variables->list);
	free(variables);
}

uint64_t variables_changes(const struct variables *variables)
{
	return variables->changes;
}

void inspect_set_variables(struct inspect *in, struct variables *variables)
{
	in->variables = variables;
}

void variables_leave(struct inspect *in)
{
	for (size_t i = 0; in->variables && i < in->variables->count; i++) {
		if (in->variables->list[i]->of == in)
			in->variables->list[i]->of = NULL;
	}
}

static struct variable *find(const struct variables *variables, const char *name)
{
	for (size_t i = 0; variables && i < variables->count; i++) {
		if (strcmp(variables->list[i]->name, name) == 0)
			return variables->list[i];
	}
	return NULL;
}

static struct variable *find_or_add(struct variables *variables, const char *name)
{
	struct variable *v = find(variables, name);

	if (v)
		return v;
	v = sn_calloc(1, sizeof(*v));
	v->name = sn_strdup(name);
	variables->list =
		sn_realloc(variables->list, variables->count + 1, sizeof(*variables->list));
	variables->list[variables->count++] = v;
	return v;
}

/* ---- reading ---- */

/* Numbers and pointers mean something without their type, too. */
static struct type *plain_type(struct inspect *in, const struct variable *v)
{
	struct type *type;

	if (v->kind == TYPE_POINTER)
		return type_pointer(in, type_basic(in, BASIC_VOID));
	if (v->kind != TYPE_INT && v->kind != TYPE_CHAR && v->kind != TYPE_BOOL &&
	    v->kind != TYPE_FLOAT)
		return NULL;
	type = inspect_alloc(in, sizeof(*type));
	type->kind = v->kind;
	type->size = v->size;
	type->is_signed = v->is_signed;
	type->name = inspect_strdup(in, v->type_name);
	return type;
}

/* The type of its name here, where that still has its size. */
static struct type *type_here(const struct context *context, const struct variable *v)
{
	struct sn_err ignored;
	struct node *node = parse_expression(context, v->type_name, &ignored);
	struct type *type = node && node->kind == NODE_TYPE ? node->type : NULL;

	if (type)
		type_members(context->in, type_strip(type));
	if (!type || type->size != v->size || type_strip(type)->kind != v->kind)
		type = plain_type(context->in, v);
	return type;
}

static const struct {
	const char *name;
	int number; /* -1: of the thread that is looked at */
} computed[] = {
	{"_thread", -1},
	{"_gthread", -1},
	{"_inferior", 1},
};

struct value *variable_value(const struct context *context, const char *name, struct sn_err *err)
{
	struct variable *v = find(context->in->variables, name);
	struct piece piece = {.kind = PLACE_VARIABLE, .variable = v};
	struct inspect *in = context->in;
	struct value *value;

	for (size_t i = 0; i < sn_countof(computed); i++) {
		if (strcmp(computed[i].name, name) == 0)
			return value_number(in, type_basic(in, BASIC_INT),
					    computed[i].number < 0 ? context->thread + 1
								   : (uint64_t)computed[i].number);
	}
	if (!v || !v->type_name)
		return NULL;
	if (v->of != in) {
		struct type *type = type_here(context, v);

		if (!type) {
			sn_fail(err, "$%s is a %s, which is not one here", name, v->type_name);
			return NULL;
		}
		v->type = type;
		v->of = in;
	}
	value = value_new(in, v->type);
	value->bytes = inspect_alloc(in, v->size + 32);
	memcpy(value->bytes, v->bytes, v->size);
	value->home = home_new(context, &piece, 1);
	return value;
}

/* ---- writing ---- */

/* As it is kept: with bytes that lie nowhere else. */
static struct value *kept(struct inspect *in, struct value *value, struct sn_err *err)
{
	struct type *type = type_strip(value->type);
	int64_t number;

	if (type->kind == TYPE_SYMBOL && !type->is_prototyped) {
		sn_fail(err, "'%s' has unknown type; cast it to its declared type", value->string);
		return NULL;
	}
	if (type->kind == TYPE_REFERENCE) {
		value = value_deref(in, value, err);
		return value ? kept(in, value, err) : NULL;
	}
	if (type->kind == TYPE_FUNCTION || (type->kind == TYPE_ARRAY && value->in_memory))
		value = value_decay(in, value, err);
	if (value && value->bit_size)
		return value_to_number(in, value, &number, err) < 0
			       ? NULL
			       : value_number(in, value->type, (uint64_t)number);
	if (value && value->type->size > VARIABLE_BYTES_MAX) {
		sn_fail(err, "a value of %lu bytes is too large for a convenience variable",
			value->type->size);
		return NULL;
	}
	if (value && type->kind != TYPE_VOID && !value_bytes(in, value, err))
		return NULL;
	if (value &&
	    (value->is_absent || (value->absent && memchr(value->absent, 1, value->type->size)))) {
		sn_fail(err, "value has been optimized out");
		return NULL;
	}
	return value;
}

static void store(struct inspect *in, struct variable *v, struct value *value)
{
	struct type *type = type_strip(value->type);

	clear(v);
	*v = (struct variable){.name = v->name, .kind = type->kind, .is_signed = type->is_signed};
	v->changes = &in->variables->changes;
	(*v->changes)++;
	if (type->kind == TYPE_VOID)
		return;
	v->type_name = type_name(in, value->type);
	v->of = in;
	v->type = value->type;
	v->size = value->type->size;
	v->bytes = sn_malloc(v->size + 1);
	memcpy(v->bytes, value->bytes, v->size);
}

void variable_declare(struct inspect *in, const char *name)
{
	if (in->variables && !in->reads)
		find_or_add(in->variables, name);
}

struct value *variable_assign(const struct context *context, const char *name, struct value *value,
			      struct sn_err *err)
{
	struct inspect *in = context->in;

	if (!in->variables || in->reads) {
		sn_fail(err, "nothing can be assigned to $%s here", name);
		return NULL;
	}
	value = kept(in, value, err);
	if (!value)
		return NULL;
	store(in, find_or_add(in->variables, name), value);
	err->text[0] = '\0';
	value = variable_value(context, name, err);
	return value || err->text[0] ? value : value_new(in, type_basic(in, BASIC_VOID));
}

void variable_note(struct inspect *in, const char *name, struct value *value)
{
	struct sn_err ignored;

	if (!in->variables)
		return;
	value = value ? kept(in, value, &ignored) : NULL;
	store(in, find_or_add(in->variables, name),
	      value ? value : value_new(in, type_basic(in, BASIC_VOID)));
}

int variable_write(struct variable *v, size_t at, const uint8_t *bytes, size_t len,
		   struct sn_err *err)
{
	if (at > v->size || len > v->size - at)
		return sn_fail(err, "no such part of the value");
	memcpy(v->bytes + at, bytes, len);
	(*v->changes)++;
	return 0;
}

/* ---- all of them ---- */

static void print_variable(const struct context *context, FILE *out, const char *name)
{
	struct format f = {.in = context->in, .out = out};
	struct sn_err err = {0};
	struct value *value = variable_value(context, name, &err);

	fprintf(out, "$%s = ", name);
	if (!value && !err.text[0])
		fputs("void", out);
	else if (!value || format_top(&f, value, &err) < 0)
		fprintf(out, "<error: %s>", err.text);
	fputc('\n', out);
}

int inspect_variables_text(struct inspect *in, struct spot spot, char **text, struct sn_err *err)
{
	struct context context;
	size_t len, count = in->variables ? in->variables->count : 0;
	FILE *out;

	if (context_at(in, spot, &context, err) < 0)
		return -1;
	out = text_stream(text, &len);
	while (count > 0)
		print_variable(&context, out, in->variables->list[--count]->name);
	for (size_t i = 0; i < sn_countof(computed); i++)
		print_variable(&context, out, computed[i].name);
	fclose(out);
	return 0;
}

void variables_named(struct inspect *in, const char *prefix, inspect_each_name *each, void *arg)
{
	for (size_t i = 0; in->variables && i < in->variables->count; i++) {
		sn_auto_free char *name = sn_asprintf("$%s", in->variables->list[i]->name);

		if (strncmp(name, prefix, strlen(prefix)) == 0)
			each(arg, inspect_strdup(in, name));
	}
}
