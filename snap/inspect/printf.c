// SPDX-License-Identifier: Apache-2.0
/* gdb's printf: a format of C, and values of the process for it. */
#include "snap/inspect/eval.h"
#include "snap/inspect/format.h"

#include <ctype.h>

enum { DIRECTIVE_MAX = 32, PADDING_MAX = 4096 };

struct print {
	const struct context *context;
	const char *at;	  /* in the format */
	const char *args; /* those that are left; NULL: none */
	FILE *out;
	struct sn_err *err;
};

/* One of them: "%-5ld". */
struct directive {
	char text[DIRECTIVE_MAX]; /* up to the length of the argument: "%-5" */
	int longs;		  /* l: 1, ll: 2 */
	bool long_double;
	char letter;
};

static int put_escape(struct print *p)
{
	static const char names[] = "\\abefnrtv\"'", values[] = "\\\a\b\033\f\n\r\t\v\"'";
	const char *known = *p->at ? strchr(names, *p->at) : NULL;

	if (!known)
		return sn_fail(p->err, "Unrecognized escape character \\%c in format string.",
			       *p->at);
	fputc(values[known - names], p->out);
	p->at++;
	return 0;
}

static int bad_letter(struct print *p, char letter)
{
	return sn_fail(p->err,
		       letter == 'n' ? "Format specifier `%c' not supported in printf"
				     : "Unrecognized format specifier '%c' in printf",
		       letter);
}

static int parse_directive(struct print *p, struct directive *d)
{
	const char *begin = p->at;
	size_t len;

	*d = (struct directive){0};
	p->at += strspn(p->at, "-+ #0'");
	p->at += strspn(p->at, "0123456789");
	if (*p->at == '.')
		p->at += 1 + strspn(p->at + 1, "0123456789");
	len = (size_t)(p->at - begin);
	if (len + 2 > sizeof(d->text))
		return sn_fail(p->err, "a format of more than %d characters", DIRECTIVE_MAX);
	snprintf(d->text, sizeof(d->text), "%%%.*s", (int)len, begin);
	for (const char *digits = d->text; *digits; digits++) {
		if (isdigit((unsigned char)*digits) && strtoul(digits, NULL, 10) > PADDING_MAX)
			return sn_fail(p->err, "a field of more than %d characters", PADDING_MAX);
	}
	p->at += *p->at == 'h'; /* what is shorter than an int is handed over as one */
	for (; *p->at && strchr("lzjt", *p->at); p->at++)
		d->longs += *p->at == 'l' ? 1 : 2;
	if (*p->at == 'L')
		d->long_double = p->at++;
	d->letter = *p->at;
	if (!d->letter)
		return sn_fail(p->err, "Incomplete format specifier at end of format string");
	p->at++;
	return strchr("diouxXcsfgeEGp", d->letter) ? 0 : bad_letter(p, d->letter);
}

/* ---- values ---- */

static struct value *next_value(struct print *p)
{
	struct node *node;
	bool more;

	if (!p->args) {
		sn_fail(p->err, "Wrong number of arguments for specified format-string");
		return NULL;
	}
	node = parse_to_comma(p->context, &p->args, &more, p->err);
	if (!more)
		p->args = NULL;
	return node ? eval(p->context, node, false, p->err) : NULL;
}

static int put_integer(struct print *p, const struct directive *d, struct value *value)
{
	char format[DIRECTIVE_MAX + 4];
	uint64_t number;

	if (value_to_address(p->context->in, value, &number, p->err) < 0)
		return -1;
	if (d->longs) {
		snprintf(format, sizeof(format), "%sl%c", d->text, d->letter);
		fprintf(p->out, format, number);
	} else {
		snprintf(format, sizeof(format), "%s%c", d->text, d->letter);
		if (d->letter != 'c' || number)
			fprintf(p->out, format, (int)number);
	}
	return 0;
}

/* Of what is no floating number the bytes are taken for one. */
static int put_float(struct print *p, const struct directive *d, struct value *value)
{
	struct inspect *in = p->context->in;
	struct type *type = type_strip(value->type);
	char format[DIRECTIVE_MAX + 4];
	long double number;

	if (type->kind != TYPE_FLOAT && (type->size == 4 || type->size == 8)) {
		const uint8_t *bytes = value_bytes(in, value, p->err);

		if (!bytes)
			return -1;
		value = value_new(in, type_basic(in, type->size == 4 ? BASIC_FLOAT : BASIC_DOUBLE));
		value->bytes = (uint8_t *)bytes;
	}
	if (value_to_float(in, value, &number, p->err) < 0)
		return -1;
	snprintf(format, sizeof(format), "%sL%c", d->text, d->letter);
	fprintf(p->out, format, number);
	return 0;
}

static int put_pointer(struct print *p, const struct directive *d, struct value *value)
{
	char format[DIRECTIVE_MAX + 4];
	uint64_t number;

	if (value_to_address(p->context->in, value, &number, p->err) < 0)
		return -1;
	snprintf(format, sizeof(format), number ? "%sp" : "%ss", d->text);
	if (number)
		fprintf(p->out, format, (void *)number);
	else
		fprintf(p->out, format, "(nil)");
	return 0;
}

/* Those of a convenience variable lie nowhere else. */
static const char *own_string(struct inspect *in, struct value *value, struct sn_err *err)
{
	size_t size = type_strip(value->type)->size;
	const uint8_t *bytes = value_bytes(in, value, err);
	char *text = bytes ? inspect_alloc(in, size + 1) : NULL;

	return text ? memcpy(text, bytes, size) : NULL;
}

static int put_string(struct print *p, const struct directive *d, struct value *value)
{
	struct inspect *in = p->context->in;
	bool own = type_strip(value->type)->kind == TYPE_ARRAY && !value->in_memory && value->home;
	sn_auto_free char *read = NULL;
	char format[DIRECTIVE_MAX + 4];
	const char *text;
	uint64_t addr = 0;
	uint8_t byte;

	if (!own && value_to_address(in, value, &addr, p->err) < 0)
		return -1;
	if (!own && addr && inspect_read(in, addr, &byte, 1, p->err) < 0)
		return -1;
	read = addr ? memory_string(in, addr, FORMAT_STRING) : NULL;
	text = own ? own_string(in, value, p->err) : addr ? read : "(null)";
	if (!text)
		return own ? -1 : memory_none(addr, p->err);
	snprintf(format, sizeof(format), "%ss", d->text);
	fprintf(p->out, format, text);
	return 0;
}

static int put_directive(struct print *p)
{
	struct directive d;
	struct value *value;

	if (*p->at == '%') {
		fputc(*p->at++, p->out);
		return 0;
	}
	if (parse_directive(p, &d) < 0)
		return -1;
	value = next_value(p);
	if (!value)
		return -1;
	if (d.letter == 's')
		return put_string(p, &d, value);
	if (d.letter == 'p')
		return put_pointer(p, &d, value);
	return strchr("fgeEG", d.letter) ? put_float(p, &d, value) : put_integer(p, &d, value);
}

/* ---- the command ---- */

/* Where the format ends; NULL: it is none. */
static const char *format_end(const char *words, struct sn_err *err)
{
	const char *end;

	if (!*words) {
		sn_fail(err, "Argument required (format-control string and values to print).");
		return NULL;
	}
	if (*words != '"') {
		sn_fail(err, "Bad format string, missing '\"'.");
		return NULL;
	}
	for (end = words + 1; *end && *end != '"'; end++)
		end += *end == '\\' && end[1];
	if (!*end) {
		sn_fail(err, "Bad format string, non-terminated '\"'.");
		return NULL;
	}
	return end;
}

static int put_all(struct print *p, const char *end)
{
	int rc = 0;

	while (rc == 0 && p->at < end) {
		char c = *p->at++;

		if (c == '\\')
			rc = put_escape(p);
		else if (c == '%')
			rc = put_directive(p);
		else
			fputc(c, p->out);
	}
	if (rc == 0 && p->args)
		rc = sn_fail(p->err, "Wrong number of arguments for specified format-string");
	return rc;
}

int inspect_printf(struct inspect *in, struct spot spot, const char *words, char **text,
		   struct sn_err *err)
{
	struct context context;
	struct print p = {.context = &context, .at = words + 1, .err = err};
	const char *end = format_end(words, err), *rest;
	size_t len;
	int rc;

	if (!end || context_at(in, spot, &context, err) < 0)
		return -1;
	rest = end + 1 + strspn(end + 1, " \t");
	if (*rest && *rest != ',')
		return sn_fail(err, "Invalid argument syntax");
	if (*rest)
		rest += 1 + strspn(rest + 1, " \t");
	p.args = *rest ? rest : NULL;
	p.out = text_stream(text, &len);
	rc = put_all(&p, end);
	fclose(p.out);
	if (rc < 0) {
		free(*text);
		*text = NULL;
	}
	return rc;
}
