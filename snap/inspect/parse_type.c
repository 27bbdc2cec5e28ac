// SPDX-License-Identifier: Apache-2.0
/* Type names within expressions: casts, sizeof, ptype struct job. */
#include "snap/inspect/lookup.h"
#include "snap/inspect/parse_internal.h"

#include <dwarf.h>

static const char *const words[] = {
	"const", "volatile", "struct", "union", "enum",	 "class",  "unsigned", "signed",
	"long",	 "short",    "int",    "char",	"float", "double", "void",     "_Bool",
};

static bool is_typedef(struct parser *p)
{
	const struct context *c = p->context;
	struct found found;

	return p->token == TOKEN_NAME && !lookup_symbol(c->in, c->frame, p->text, &found) &&
	       lookup_any_type(c->in, c->frame, p->text) != NULL;
}

bool parse_at_type(struct parser *p)
{
	for (size_t i = 0; i < sn_countof(words); i++) {
		if (parse_is_word(p, words[i]))
			return true;
	}
	return is_typedef(p);
}

static struct type *fail_type(struct parser *p, const char *what, const char *name)
{
	sn_fail(p->err, "No %s type named %s.", what, name);
	p->failed = true;
	return NULL;
}

/* Behind `struct`, `union`, `enum`. */
static struct type *parse_tagged(struct parser *p)
{
	const struct context *c = p->context;
	const char *what = p->text;
	int tag = strcmp(what, "union") == 0  ? DW_TAG_union_type
		  : strcmp(what, "enum") == 0 ? DW_TAG_enumeration_type
					      : DW_TAG_structure_type;
	struct type *type;

	if (!parse_next(p))
		return NULL;
	if (p->token != TOKEN_NAME) {
		parse_syntax_error(p);
		return NULL;
	}
	type = lookup_type(c->in, c->frame, tag, p->text);
	if (!type)
		return fail_type(p, what, p->text);
	return parse_next(p) ? type : NULL;
}

struct seen {
	int longs;
	bool is_unsigned, is_signed, is_short, is_char, is_int, is_float, is_double, is_void,
		is_bool;
};

static bool see(struct parser *p, struct seen *seen)
{
	const struct {
		const char *word;
		bool *flag;
	} flags[] = {
		{"unsigned", &seen->is_unsigned}, {"signed", &seen->is_signed},
		{"short", &seen->is_short},	  {"char", &seen->is_char},
		{"int", &seen->is_int},		  {"float", &seen->is_float},
		{"double", &seen->is_double},	  {"void", &seen->is_void},
		{"_Bool", &seen->is_bool},
	};

	if (parse_is_word(p, "long")) {
		seen->longs++;
		return true;
	}
	for (size_t i = 0; i < sn_countof(flags); i++) {
		if (parse_is_word(p, flags[i].word)) {
			*flags[i].flag = true;
			return true;
		}
	}
	return false;
}

static struct type *basic_of(struct inspect *in, const struct seen *seen)
{
	static struct type *(*const make)(struct inspect *, enum basic) = type_basic;

	if (seen->is_bool)
		return lookup_type(in, NULL, 0, "_Bool");
	if (seen->is_void)
		return make(in, BASIC_VOID);
	if (seen->is_float)
		return make(in, BASIC_FLOAT);
	if (seen->is_double)
		return make(in, seen->longs ? BASIC_LONGDOUBLE : BASIC_DOUBLE);
	if (seen->is_char)
		return make(in, seen->is_unsigned ? BASIC_UCHAR
				: seen->is_signed ? BASIC_SCHAR
						  : BASIC_CHAR);
	if (seen->is_short)
		return make(in, seen->is_unsigned ? BASIC_USHORT : BASIC_SHORT);
	if (seen->longs > 1)
		return make(in, seen->is_unsigned ? BASIC_ULONGLONG : BASIC_LONGLONG);
	if (seen->longs)
		return make(in, seen->is_unsigned ? BASIC_ULONG : BASIC_LONG);
	return make(in, seen->is_unsigned ? BASIC_UINT : BASIC_INT);
}

static struct type *qualified(struct inspect *in, struct type *type, const char *word)
{
	struct type *outer = inspect_alloc(in, sizeof(*outer));

	outer->kind = TYPE_QUALIFIED;
	outer->name = word;
	outer->target = type;
	outer->size = type->size;
	return outer;
}

/* const, volatile: added to `quals`. */
static bool parse_qualifiers(struct parser *p, const char *quals[4], size_t *count)
{
	while (parse_is_word(p, "const") || parse_is_word(p, "volatile")) {
		if (*count < 4)
			quals[(*count)++] = p->text;
		if (!parse_next(p))
			return false;
	}
	return true;
}

static struct type *parse_specifiers(struct parser *p)
{
	const struct context *c = p->context;
	const char *quals[4];
	size_t count = 0;
	struct type *type = NULL;
	struct seen seen = {0};
	bool any = false;

	if (!parse_qualifiers(p, quals, &count))
		return NULL;
	if (parse_is_word(p, "struct") || parse_is_word(p, "union") || parse_is_word(p, "enum") ||
	    parse_is_word(p, "class")) {
		type = parse_tagged(p);
		if (!type)
			return NULL;
	}
	while (!type && see(p, &seen)) {
		any = true;
		if (!parse_next(p) || !parse_qualifiers(p, quals, &count))
			return NULL;
	}
	if (any) {
		type = basic_of(c->in, &seen);
	} else if (!type) {
		type = p->token == TOKEN_NAME ? lookup_any_type(c->in, c->frame, p->text) : NULL;
		if (!type) {
			parse_syntax_error(p);
			return NULL;
		}
		if (!parse_next(p))
			return NULL;
	}
	if (!type) {
		parse_syntax_error(p);
		return NULL;
	}
	if (!parse_qualifiers(p, quals, &count))
		return NULL;
	while (count > 0)
		type = qualified(c->in, type, quals[--count]);
	return type;
}

/* Up to the bracket that closes the one at hand. */
static bool skip_parameters(struct parser *p)
{
	int depth = 0;

	do {
		depth += parse_is_op(p, '(');
		depth -= parse_is_op(p, ')');
		if (p->token == TOKEN_END)
			return parse_syntax_error(p);
		if (!parse_next(p))
			return false;
	} while (depth > 0);
	return true;
}

/* [3][4]: the last is the innermost. */
static struct type *parse_dimensions(struct parser *p, struct type *type)
{
	uint64_t count;

	if (!parse_is_op(p, '['))
		return type;
	if (!parse_next(p))
		return NULL;
	if (p->token != TOKEN_NUMBER) {
		parse_syntax_error(p);
		return NULL;
	}
	count = p->number;
	if (!parse_next(p))
		return NULL;
	if (!parse_is_op(p, ']')) {
		parse_syntax_error(p);
		return NULL;
	}
	if (!parse_next(p))
		return NULL;
	type = parse_dimensions(p, type);
	return type ? type_array(p->context->in, type, count) : NULL;
}

/* "(*)" with what it points at behind: a function or an array. */
static struct type *parse_inner(struct parser *p, struct type *type)
{
	struct inspect *in = p->context->in;
	struct type *function;
	int stars = 0;

	if (!parse_next(p))
		return NULL;
	for (; parse_is_op(p, '*'); stars++) {
		if (!parse_next(p))
			return NULL;
	}
	if (!stars || !parse_is_op(p, ')')) {
		parse_syntax_error(p);
		return NULL;
	}
	if (!parse_next(p))
		return NULL;
	if (parse_is_op(p, '(')) {
		if (!skip_parameters(p))
			return NULL;
		function = inspect_alloc(in, sizeof(*function));
		function->kind = TYPE_FUNCTION;
		function->size = 1;
		function->target = type;
		type = function;
	} else {
		type = parse_dimensions(p, type);
	}
	for (; type && stars > 0; stars--)
		type = type_pointer(in, type);
	return type;
}

struct type *parse_type(struct parser *p)
{
	struct inspect *in = p->context->in;
	struct type *type = parse_specifiers(p);
	const char *quals[4];

	while (type && parse_is_op(p, '*')) {
		size_t count = 0;

		type = type_pointer(in, type);
		if (!parse_next(p) || !parse_qualifiers(p, quals, &count))
			return NULL;
		while (count > 0)
			type = qualified(in, type, quals[--count]);
	}
	if (type && parse_is_op(p, '(') && strspn(p->next, " *") > 0 && strchr(p->next, '*') &&
	    p->next[strspn(p->next, " ")] == '*')
		return parse_inner(p, type);
	return type ? parse_dimensions(p, type) : NULL;
}
