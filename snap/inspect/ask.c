// SPDX-License-Identifier: Apache-2.0
/* print, whatis, ptype; variables of frames. */
#include "snap/inspect/eval.h"
#include "snap/inspect/format.h"
#include "snap/inspect/lookup.h"

#include <dwarf.h>
#include <errno.h>

/* A text being printed; finish gives it away. */
struct sheet {
	FILE *out;
	char *text;
	size_t len;
};

static void sheet_open(struct sheet *sheet)
{
	sheet->out = open_memstream(&sheet->text, &sheet->len);
	if (!sheet->out)
		abort();
}

static char *sheet_finish(struct sheet *sheet)
{
	fclose(sheet->out);
	return sheet->text;
}

/* ---- expressions ---- */

void printed_release(struct printed *printed)
{
	free(printed->type);
	free(printed->text);
}

int inspect_print(struct inspect *in, struct spot spot, char letter, const char *expression,
		  struct printed *printed, struct sn_err *err)
{
	struct context context;
	struct sheet sheet = {0};
	struct format f;
	struct value *value;
	int rc;

	memset(printed, 0, sizeof(*printed));
	if (context_at(in, spot, &context, err) < 0)
		return -1;
	value = *expression ? eval_text(&context, expression, err) : history_value(in, "$", err);
	if (!value)
		return -1;
	sheet_open(&sheet);
	f = (struct format){.in = in, .out = sheet.out, .letter = letter};
	rc = format_top(&f, value, err);
	printed->text = sheet_finish(&sheet);
	if (rc < 0) {
		printed_release(printed);
		return -1;
	}
	printed->type = type_name(in, value->type);
	printed->is_void = type_strip(value->type)->kind == TYPE_VOID;
	printed->number = history_add(in, value);
	return 0;
}

int inspect_output(struct inspect *in, struct spot spot, char letter, const char *expression,
		   char **text, struct sn_err *err)
{
	struct context context;
	struct sheet sheet = {0};
	struct format f;
	struct value *value;
	int rc;

	if (!*expression)
		return sn_fail(err, "Argument required (expression to compute).");
	if (context_at(in, spot, &context, err) < 0)
		return -1;
	value = eval_text(&context, expression, err);
	if (!value)
		return -1;
	sheet_open(&sheet);
	f = (struct format){.in = in, .out = sheet.out, .letter = letter};
	rc = format_top(&f, value, err);
	*text = sheet_finish(&sheet);
	if (rc < 0)
		free(*text);
	return rc;
}

int inspect_evaluate(struct inspect *in, struct spot spot, const char *expression,
		     struct sn_err *err)
{
	struct context context;

	if (context_at(in, spot, &context, err) < 0)
		return -1;
	return eval_text(&context, expression, err) ? 0 : -1;
}

int inspect_type(struct inspect *in, struct spot spot, enum type_detail detail,
		 const char *expression, char **text, struct sn_err *err)
{
	struct context context;
	struct node *node;
	struct value *value;
	struct type *type;

	if (context_at(in, spot, &context, err) < 0)
		return -1;
	node = parse_expression(&context, expression, err);
	value = node ? eval(&context, node, true, err) : NULL;
	if (!value)
		return -1;
	type = value->type;
	/* of the name of a typedef whatis says what it stands for */
	if (detail == TYPE_BY_NAME && node->kind == NODE_TYPE && type->kind == TYPE_TYPEDEF)
		type = type->target;
	*text = detail == TYPE_BY_NAME	 ? type_name(in, type)
		: detail == TYPE_IN_FULL ? type_text(in, type)
					 : type_text_offsets(in, type);
	return 0;
}

/* ---- variables ---- */

struct listing {
	const struct context *context;
	struct named_text *list;
	size_t count;
	bool summary;
	bool with_entry;
};

static char *value_text(const struct context *context, bool summary, struct value *value,
			const struct sn_err *err)
{
	struct sheet sheet = {0};
	struct format f;

	sheet_open(&sheet);
	f = (struct format){.in = context->in, .out = sheet.out, .summary = summary};
	if (value)
		format_value(&f, value);
	else
		fprintf(sheet.out, "<error: %s>", err->text);
	return sheet_finish(&sheet);
}

static struct named_text *add_text(struct listing *listing, const char *name, char *value)
{
	struct named_text *text;

	listing->list = sn_realloc(listing->list, listing->count + 1, sizeof(*listing->list));
	text = &listing->list[listing->count++];
	*text = (struct named_text){.name = sn_strdup(name), .value = value};
	return text;
}

static void add_variable(void *arg, Dwarf_Die *die)
{
	struct listing *listing = arg;
	const struct context *context = listing->context;
	struct named_text *text;
	struct sn_err err;
	struct value *value = value_of(context, die, &err);
	uint64_t entry;

	text = add_text(listing, dwarf_diename(die),
			value_text(context, listing->summary, value, &err));
	if (!listing->with_entry || !value || !entry_of_parameter(context, die, &entry))
		return;
	if (!type_is_scalar(value->type) || value->type->size > 8)
		return;
	value = value_number(context->in, value->type, entry);
	text->entry = value_text(context, listing->summary, value, &err);
}

int inspect_variables(struct inspect *in, struct spot spot, bool parameters,
		      struct named_text **list, size_t *count, struct sn_err *err)
{
	struct context context;
	struct listing listing = {.context = &context};
	const struct frame *frame;

	if (context_at(in, spot, &context, err) < 0)
		return -1;
	frame = context.frame;
	if (!frame->path_len && !(frame->signal && frame->has_cu)) {
		sn_fail(err, "No symbol table info available.");
		err->code = ENODATA;
		return -1;
	}
	for (size_t i = parameters ? 1 : frame->path_len; i > 0; i--) {
		Dwarf_Die block = frame->path[i - 1];

		lookup_block(&block, parameters, add_variable, &listing);
	}
	*list = listing.list;
	*count = listing.count;
	return 0;
}

void frame_args(struct inspect *in, struct spot spot, struct frame_words *words)
{
	struct context context;
	struct listing listing = {.context = &context, .summary = true, .with_entry = true};
	struct sn_err ignored;

	if (context_at(in, spot, &context, &ignored) < 0 || !context.frame->path_len)
		return;
	lookup_block(&context.frame->path[0], true, add_variable, &listing);
	words->args = listing.list;
	words->arg_count = listing.count;
}
