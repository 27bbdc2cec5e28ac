// SPDX-License-Identifier: Apache-2.0
/* Structs, unions, arrays, and what stands in front of a value at the top. */
#include "snap/inspect/format.h"

#include "core/base/interrupt.h"

const struct print_options *format_options(const struct format *f)
{
	static const struct print_options defaults = {
		.elements = FORMAT_ELEMENTS,
		.repeats = FORMAT_REPEATS,
		.max_depth = 20,
		.address = true,
		.symbol = true,
		.unions = true,
	};

	return f->in->print && !f->plain ? f->in->print : &defaults;
}

struct print_options inspect_print_defaults(void)
{
	struct inspect none = {0};

	return *format_options(&(struct format){.in = &none});
}

void inspect_set_print(struct inspect *in, const struct print_options *options)
{
	in->print = options;
}

/* A line for each, or all in one. */
static void separate(const struct format *f, bool lines, bool first, int depth)
{
	fputs(first ? "" : lines ? "," : ", ", f->out);
	if (lines)
		fprintf(f->out, "\n%*s", 2 + 2 * depth, "");
}

static void close_brace(const struct format *f, bool lines, const char *more, int depth)
{
	fputs(more, f->out);
	if (lines)
		fprintf(f->out, "\n%*s", 2 * depth, "");
	fputc('}', f->out);
}

static void print_at(const struct format *f, struct value *value, int depth);

static int print_array(const struct format *f, struct value *value, int depth, struct sn_err *err);
static int print_any(const struct format *f, struct value *value, int depth, struct sn_err *err);

/* ---- structs ---- */

static void print_member_name(const struct format *f, const struct member *member)
{
	if (member->inherits)
		fprintf(f->out, "<%s> = ", member->type->name ? member->type->name : "");
	else if (member->name)
		fprintf(f->out, "%s%s = ", member->is_static ? "static " : "", member->name);
}

/* Shown as the address of one whatever the letter. */
static bool is_vtable(const struct member *member)
{
	return member->name && strncmp(member->name, "_vptr", strlen("_vptr")) == 0;
}

static void print_struct(const struct format *f, struct value *value, int depth)
{
	struct type *type = type_strip(value->type);
	struct format plain = *f;
	struct sn_err err;
	bool own = false, lines = format_options(f)->pretty && type->member_count;

	plain.letter = 0;

	if (type->is_incomplete) {
		fputs("<incomplete type>", f->out);
		return;
	}
	fputc('{', f->out);
	for (size_t i = 0; i < type->member_count; i++) {
		const struct member *member = &type->members[i];
		struct value *inner;

		/* padding of a bitfield has no name and no type of its own worth showing */
		separate(f, lines, i == 0, depth);
		own |= !member->inherits;
		print_member_name(f, member);
		inner = value_member(f->in, value, member, &err);
		if (inner)
			print_at(is_vtable(member) ? &plain : f, inner, depth + 1);
		else
			fprintf(f->out, "<error: %s>", err.text);
	}
	if (!own)
		fprintf(f->out, "%s<No data fields>", type->member_count ? ", " : "");
	close_brace(f, lines, "", depth);
}

/* ---- arrays ---- */

/* Without values that stay: there may be millions. */
static bool is_equal(struct inspect *in, const struct value *array, uint64_t a, uint64_t b,
		     size_t size)
{
	uint8_t one[256], other[256];
	struct sn_err ignored;

	if (sn_interrupted() || !size)
		return false;
	if (array->bytes)
		return memcmp(array->bytes + a * size, array->bytes + b * size, size) == 0 &&
		       (!array->absent ||
			memcmp(array->absent + a * size, array->absent + b * size, size) == 0);
	if (!array->in_memory)
		return false;
	for (size_t done = 0; done < size; done += sizeof(one)) {
		size_t n = size - done < sizeof(one) ? size - done : sizeof(one);

		if (inspect_read(in, array->addr + a * size + done, one, n, &ignored) < 0 ||
		    inspect_read(in, array->addr + b * size + done, other, n, &ignored) < 0 ||
		    memcmp(one, other, n) != 0)
			return false;
	}
	return true;
}

static int print_elements(const struct format *f, struct value *value, struct type *type, int depth,
			  struct sn_err *err)
{
	const struct print_options *options = format_options(f);
	uint64_t i, printed = 0;

	fputc('{', f->out);
	for (i = 0; i < type->count && printed < options->elements; i++) {
		struct value *element = value_element(f->in, value, i, err);
		uint64_t reps = 1;

		if (!element)
			return -1;
		separate(f, options->array, i == 0, depth);
		if (options->indexes)
			fprintf(f->out, "[%lu] = ", i);
		while (options->repeats < UINT64_MAX && i + reps < type->count &&
		       is_equal(f->in, value, i, i + reps, type->target->size))
			reps++;
		print_at(f, element, depth + 1);
		if (reps > options->repeats) {
			fprintf(f->out, " <repeats %lu times>", reps);
			i += reps - 1;
			printed += options->repeats;
		} else {
			printed++;
		}
	}
	close_brace(f, options->array, i < type->count ? "..." : "", depth);
	return 0;
}

static int print_text_array(const struct format *f, struct value *value, struct type *type,
			    struct sn_err *err)
{
	const struct print_options *options = format_options(f);
	/* more than is printed, for folding what repeats */
	uint64_t len = type->count, stop = len < options->elements ? len : options->elements;
	const uint8_t *bytes = value_bytes(f->in, value, err);

	if (!bytes)
		return -1;
	if (options->null_stop) {
		stop = strnlen((const char *)bytes, stop);
		format_string(f, bytes, stop < len && !bytes[stop] ? stop + 1 : stop,
			      stop < len && bytes[stop]);
	} else {
		format_string(f, bytes, len, false);
	}
	return 0;
}

static int print_array(const struct format *f, struct value *value, int depth, struct sn_err *err)
{
	struct type *type = type_strip(value->type);
	uint8_t byte;

	/* what lies nowhere is one error, not one for each element */
	if (value->in_memory && !value->bytes && type->count &&
	    inspect_read(f->in, value->addr, &byte, 1, err) < 0)
		return -1;
	if (!type->has_count && !type->count) {
		/* int a[]: where it is, is all that is known */
		format_pointer(f, value->addr, false);
		return 0;
	}
	if (format_is_text(type->target, f->letter) && !type->is_vector && type->count)
		return print_text_array(f, value, type, err);
	if ((uint64_t)depth >= format_options(f)->max_depth) {
		fputs("{...}", f->out);
		return 0;
	}
	return print_elements(f, value, type, depth, err);
}

/* ---- any ---- */

static int print_function(const struct format *f, struct value *value)
{
	sn_auto_free char *name = type_name(f->in, value->type);

	fprintf(f->out, "{%s} ", name);
	format_pointer(f, value->addr, true);
	return 0;
}

/* "@0x7ffe...: 17"; within a struct only where it is. */
static int print_reference(const struct format *f, struct value *value, int depth,
			   struct sn_err *err)
{
	int64_t addr;

	if (value_to_number(f->in, value, &addr, err) < 0)
		return -1;
	fprintf(f->out, "@0x%lx", (uint64_t)addr);
	if (depth > 0)
		return 0;
	fputs(": ", f->out);
	value = value_deref(f->in, value, err);
	return value ? print_any(f, value, depth, err) : -1;
}

static int print_any(const struct format *f, struct value *value, int depth, struct sn_err *err)
{
	struct type *type = type_strip(value->type);

	if (value->is_absent && !(f->summary && !type_is_scalar(type))) {
		fputs("<optimized out>", f->out);
		return 0;
	}
	if (f->summary && type->kind == TYPE_REFERENCE && !type_is_scalar(type->target)) {
		fputs("...", f->out);
		return 0;
	}
	if (f->summary &&
	    (type->kind == TYPE_STRUCT || type->kind == TYPE_UNION || type->kind == TYPE_ARRAY)) {
		fputs("...", f->out);
		return 0;
	}
	switch (type->kind) {
	case TYPE_REFERENCE:
		return print_reference(f, value, depth, err);
	case TYPE_STRUCT:
	case TYPE_UNION:
		type_members(f->in, type);
		if (!type->is_incomplete &&
		    ((uint64_t)depth >= format_options(f)->max_depth ||
		     (type->kind == TYPE_UNION && depth > 0 && !format_options(f)->unions)))
			fputs("{...}", f->out);
		else
			print_struct(f, value, depth);
		return 0;
	case TYPE_ARRAY:
		return print_array(f, value, depth, err);
	case TYPE_FUNCTION:
		return print_function(f, value);
	case TYPE_VOID:
		fputs("void", f->out);
		return 0;
	case TYPE_SYMBOL:
		if (!type->is_prototyped)
			return sn_fail(err, "'%s' has unknown type; cast it to its declared type",
				       value->string);
		return print_function(f, value);
	case TYPE_MEMBER:
		return format_member_pointer(f, value, err);
	case TYPE_COMPLEX:
		return sn_fail(err, "complex numbers cannot be printed");
	default:
		if (value->absent && memchr(value->absent, 1, type->size)) {
			fputs("<optimized out>", f->out);
			return 0;
		}
		return f->letter ? format_lettered(f, value, err) : format_scalar(f, value, err);
	}
}

static void print_at(const struct format *f, struct value *value, int depth)
{
	struct sn_err err;

	if (print_any(f, value, depth, &err) < 0)
		fprintf(f->out, "<error: %s>", err.text);
}

void format_value(const struct format *f, struct value *value)
{
	print_at(f, value, 0);
}

const char *format_text(struct inspect *in, struct value *value)
{
	sn_auto_free char *text = NULL;
	struct format f = {.in = in, .plain = true};
	size_t len;

	f.out = text_stream(&text, &len);
	format_value(&f, value);
	fclose(f.out);
	return inspect_strdup(in, text);
}

/* "(struct job *) ", but for strings, whose quotes say it. */
static void print_pointer_type(const struct format *f, struct type *type)
{
	struct type *bare = type, *target;
	sn_auto_free char *name = NULL;

	while (bare->kind == TYPE_QUALIFIED)
		bare = bare->target;
	target = bare->target;
	if (bare->kind == TYPE_POINTER) {
		while (target->kind == TYPE_QUALIFIED)
			target = target->target;
		if (target->name && strcmp(target->name, "char") == 0)
			return;
	}
	name = type_name(f->in, type);
	fprintf(f->out, "(%s) ", name);
}

int format_top(const struct format *f, struct value *value, struct sn_err *err)
{
	struct type *type = type_strip(value->type);
	bool pointer = type->kind == TYPE_POINTER || type->kind == TYPE_REFERENCE;
	uint8_t byte;

	if (pointer && !value->is_absent &&
	    (!f->letter || f->letter == 's' || type->kind == TYPE_REFERENCE)) {
		if (!value_bytes(f->in, value, err))
			return -1;
		print_pointer_type(f, value->type);
	}
	if ((type->kind == TYPE_STRUCT || type->kind == TYPE_UNION) && value->in_memory &&
	    !value->bytes && type->size &&
	    (inspect_read(f->in, value->addr, &byte, 1, err) < 0 ||
	     inspect_read(f->in, value->addr + type->size - 1, &byte, 1, err) < 0))
		return -1;
	return print_any(f, value, 0, err);
}
