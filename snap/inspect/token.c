// SPDX-License-Identifier: Apache-2.0
/* The words of an expression. */
#include "snap/inspect/lookup.h"
#include "snap/inspect/parse_internal.h"

#include <ctype.h>
#include <errno.h>

bool parse_syntax_error(struct parser *p)
{
	if (!p->failed)
		sn_fail(p->err, "A syntax error in expression, near `%.200s'.", p->start);
	p->failed = true;
	return false;
}

bool parse_is_op(const struct parser *p, int op)
{
	return p->token == TOKEN_OP && p->op == op;
}

bool parse_is_word(const struct parser *p, const char *word)
{
	return p->token == TOKEN_NAME && strcmp(p->text, word) == 0;
}

static bool fail_number(struct parser *p, const char *end)
{
	while (isalnum((unsigned char)*end) || *end == '.' || *end == '_')
		end++;
	sn_fail(p->err, "Invalid number \"%.*s\".", (int)(end - p->start), p->start);
	p->failed = true;
	return false;
}

static bool read_float(struct parser *p)
{
	struct inspect *in = p->context->in;
	char *end;

	p->real = strtold(p->start, &end);
	p->token = TOKEN_FLOAT;
	p->type = type_basic(in, BASIC_DOUBLE);
	if (*end == 'f' || *end == 'F') {
		p->type = type_basic(in, BASIC_FLOAT);
		end++;
	} else if (*end == 'l' || *end == 'L') {
		p->type = type_basic(in, BASIC_LONGDOUBLE);
		end++;
	}
	if (isalnum((unsigned char)*end) || *end == '.')
		return fail_number(p, end);
	p->next = end;
	return true;
}

/* By value, base and suffix, as C has it. */
static enum basic type_of_number(uint64_t number, bool decimal, bool is_unsigned, int longs)
{
	bool small = number <= INT32_MAX, medium = number <= UINT32_MAX;

	if (!longs && !is_unsigned && small)
		return BASIC_INT;
	if (!longs && medium && (is_unsigned || !decimal))
		return BASIC_UINT;
	if (!is_unsigned && number <= INT64_MAX)
		return longs > 1 ? BASIC_LONGLONG : BASIC_LONG;
	return longs > 1 ? BASIC_ULONGLONG : BASIC_ULONG;
}

static bool read_number(struct parser *p)
{
	const char *s = p->start;
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	bool binary = s[0] == '0' && (s[1] == 'b' || s[1] == 'B');
	size_t digits = strspn(s, "0123456789");
	bool is_unsigned = false;
	int longs = 0;
	char *end;

	if (!hex && !binary &&
	    (s[digits] == '.' || ((s[digits] | 32) == 'e' && s[digits + 1] != '\0')))
		return read_float(p);
	errno = 0;
	p->number = binary ? strtoull(s + 2, &end, 2) : strtoull(s, &end, 0);
	if (errno == ERANGE) {
		sn_fail(p->err, "Numeric constant too large.");
		p->failed = true;
		return false;
	}
	for (; *end && strchr("uUlL", *end); end++) {
		is_unsigned |= (*end | 32) == 'u';
		longs += (*end | 32) == 'l';
	}
	if (isalnum((unsigned char)*end) || *end == '_' || end == s)
		return fail_number(p, end);
	p->token = TOKEN_NUMBER;
	p->type = type_basic(p->context->in,
			     type_of_number(p->number, s[0] != '0', is_unsigned, longs));
	p->next = end;
	return true;
}

/* One character of a literal, with C's escapes. */
static int read_escape(const char **at)
{
	static const char names[] = "abtnvfre0", values[] = "\a\b\t\n\v\f\r\033\0";
	const char *s = *at, *known;
	int value = 0, digits;

	if (*s != '\\') {
		(*at)++;
		return (unsigned char)*s;
	}
	s++;
	if (*s >= '0' && *s <= '7') {
		for (digits = 0; digits < 3 && *s >= '0' && *s <= '7'; digits++)
			value = 8 * value + (*s++ - '0');
		*at = s;
		return value & 0xff;
	}
	if (*s == 'x') {
		for (s++; isxdigit((unsigned char)*s); s++)
			value = 16 * value +
				(isdigit((unsigned char)*s) ? *s - '0' : (*s | 32) - 'a' + 10);
		*at = s;
		return value & 0xff;
	}
	known = *s ? strchr(names, *s) : NULL;
	*at = *s ? s + 1 : s;
	return known ? values[known - names] : (unsigned char)*s;
}

/* 'c', "text", or the quoted name of a file or symbol. */
static bool read_quoted(struct parser *p, char quote)
{
	const char *s = p->start + 1;
	char *out = p->text = inspect_alloc(p->context->in, strlen(s) + 1);

	while (*s && *s != quote)
		*out++ = (char)read_escape(&s);
	if (!*s) {
		sn_fail(p->err, quote == '"' ? "Unterminated string in expression."
					     : "Unmatched single quote.");
		p->failed = true;
		return false;
	}
	p->next = s + 1;
	p->len = (size_t)(out - p->text);
	if (quote == '"') {
		p->token = TOKEN_STRING;
	} else if (p->len == 1) {
		p->token = TOKEN_CHAR;
		p->number = (uint64_t)(int64_t)(signed char)p->text[0];
	} else {
		p->token = TOKEN_QUOTED;
	}
	return true;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

static void read_name(struct parser *p)
{
	const char *s = p->start;

	while (is_name(*s))
		s++;
	p->len = (size_t)(s - p->start);
	p->text = inspect_alloc(p->context->in, p->len + 1);
	memcpy(p->text, p->start, p->len);
	p->token = p->text[0] == '$' ? TOKEN_DOLLAR : TOKEN_NAME;
	p->next = s;
}

/* Behind a name: "<int, 3>", as far as its brackets close; else 0. */
static size_t template_len(const char *s)
{
	int depth = 0;
	size_t len = 0;

	if (s[0] != '<')
		return 0;
	do {
		depth += (s[len] == '<') - (s[len] == '>');
		len++;
	} while (depth > 0 && s[len]);
	return depth == 0 ? len : 0;
}

/* C++: as much of a::b<int>::c as is a name. */
static void widen_name(struct parser *p)
{
	const struct context *c = p->context;
	const char *s = p->next;
	struct found found;

	for (;;) {
		size_t len = template_len(s);
		char *text;

		if (!len && s[0] == ':' && s[1] == ':' && is_name(s[2]))
			for (len = 2; is_name(s[len]);)
				len++;
		if (!len)
			return;
		s += len;
		text = inspect_alloc(c->in, (size_t)(s - p->start) + 1);
		memcpy(text, p->start, (size_t)(s - p->start));
		if (!lookup_symbol(c->in, c->frame, text, &found) &&
		    !lookup_any_type(c->in, c->frame, text))
			continue;
		p->text = text;
		p->len = strlen(text);
		p->next = s;
	}
}

static bool read_op(struct parser *p)
{
	/* the longer before what they begin with */
	static const struct {
		char text[4];
		int op;
	} known[] = {
		{"<<=", OP_MODIFY | OP_SHL},
		{">>=", OP_MODIFY | OP_SHR},
		{"->*", OP_ARROW_STAR},
		{".*", OP_DOT_STAR},
		{"<<", OP_SHL},
		{">>", OP_SHR},
		{"<=", OP_LE},
		{">=", OP_GE},
		{"==", OP_EQ},
		{"!=", OP_NE},
		{"&&", OP_AND},
		{"||", OP_OR},
		{"->", OP_ARROW},
		{"::", OP_SCOPE},
		{"++", OP_INCREMENT},
		{"--", OP_DECREMENT},
		{"+=", OP_MODIFY | '+'},
		{"-=", OP_MODIFY | '-'},
		{"*=", OP_MODIFY | '*'},
		{"/=", OP_MODIFY | '/'},
		{"%=", OP_MODIFY | '%'},
		{"&=", OP_MODIFY | '&'},
		{"|=", OP_MODIFY | '|'},
		{"^=", OP_MODIFY | '^'},
	};

	p->token = TOKEN_OP;
	for (size_t i = 0; i < sn_countof(known); i++) {
		size_t len = strlen(known[i].text);

		if (strncmp(p->start, known[i].text, len) == 0) {
			p->op = known[i].op;
			p->next = p->start + len;
			return true;
		}
	}
	if (!strchr("+-*/%&|^~!<>()[]{}.,?:@=", *p->start))
		return parse_syntax_error(p);
	p->op = *p->start;
	p->next = p->start + 1;
	return true;
}

bool parse_next(struct parser *p)
{
	while (isspace((unsigned char)*p->next))
		p->next++;
	p->start = p->next;
	if (!*p->start) {
		p->token = TOKEN_END;
		return true;
	}
	if (isdigit((unsigned char)*p->start))
		return read_number(p);
	if (*p->start == '.' && isdigit((unsigned char)p->start[1]))
		return read_float(p);
	if (*p->start == '"' || *p->start == '\'')
		return read_quoted(p, *p->start);
	if (!is_name(*p->start))
		return read_op(p);
	read_name(p);
	if (p->token == TOKEN_NAME && (p->next[0] == ':' || p->next[0] == '<'))
		widen_name(p);
	return true;
}
