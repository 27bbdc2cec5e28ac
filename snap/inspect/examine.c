// SPDX-License-Identifier: Apache-2.0
/* x/NFU ADDRESS: memory as it lies. */
#include "snap/inspect/eval.h"
#include "snap/inspect/format.h"
#include "snap/inspect/variables.h"

#include <ctype.h>

enum { UNITS_MAX = 1 << 20 };

struct examine {
	struct format f;
	char letter, unit;
	unsigned size; /* of a unit */
	uint64_t addr;
	uint64_t last; /* where what was shown last begins */
	struct sn_err *err;
};

static unsigned unit_size(char unit)
{
	return unit == 'b' ? 1 : unit == 'h' ? 2 : unit == 'w' ? 4 : 8;
}

/* "4xw", in any order but the count first. */
static int parse_format(struct examine *x, const char *format, uint64_t *count)
{
	char letter = 0, unit = 0;

	*count = 1;
	if (isdigit((unsigned char)*format))
		*count = strtoul(format, (char **)&format, 10);
	for (; *format; format++) {
		if (strchr("bhwg", *format))
			unit = *format;
		else if (strchr("xduotacfszi", *format))
			letter = *format;
		else
			return sn_fail(x->err, "Undefined output format \"%c\".", *format);
	}
	if (letter == 'i')
		return sn_fail(x->err,
			       "code is not disassembled here: `core` writes a core for gdb");
	if (*count > UNITS_MAX)
		return sn_fail(x->err, "that many units are not shown at once");
	x->letter = letter ? letter : x->letter;
	if (!unit && letter == 'a')
		unit = 'g';
	else if (!unit && (letter == 'c' || letter == 's'))
		unit = 'b';
	else if (!unit && letter == 'f')
		unit = 'g';
	else if (!unit)
		unit = x->unit;
	x->unit = unit;
	x->size = unit_size(unit);
	return 0;
}

static enum basic basic_of(const struct examine *x)
{
	bool is_signed = x->letter == 'd' || x->letter == 'c';

	if (x->letter == 'f')
		return x->size == 4 ? BASIC_FLOAT : x->size == 8 ? BASIC_DOUBLE : BASIC_SHORT;
	switch (x->size) {
	case 1:
		return is_signed ? BASIC_SCHAR : BASIC_UCHAR;
	case 2:
		return is_signed ? BASIC_SHORT : BASIC_USHORT;
	case 4:
		return is_signed ? BASIC_INT : BASIC_UINT;
	default:
		return is_signed ? BASIC_LONG : BASIC_ULONG;
	}
}

static int print_unit(struct examine *x)
{
	struct inspect *in = x->f.in;
	struct value *value = value_at(in, type_basic(in, basic_of(x)), x->addr);
	int64_t number;

	if (!value_bytes(in, value, x->err))
		return -1;
	x->addr += x->size;
	if (x->letter == 'f')
		return format_scalar(&x->f, value, x->err);
	if (value_to_number(in, value, &number, x->err) < 0)
		return -1;
	if (x->letter == 't') { /* memory is shown in full width */
		for (int bit = (int)(8 * x->size) - 1; bit >= 0; bit--)
			fputc((uint64_t)number >> bit & 1 ? '1' : '0', x->f.out);
		return 0;
	}
	x->f.letter = x->letter == 'x' ? 'z' : x->letter;
	return format_lettered(&x->f, value, x->err);
}

static int print_string(struct examine *x)
{
	struct sn_err ignored;
	uint8_t byte;

	if (inspect_read(x->f.in, x->addr, &byte, 1, x->err) < 0) {
		fprintf(x->f.out, "<error: %s>", x->err->text);
		return 0;
	}
	format_string_at(&x->f, x->addr);
	for (size_t i = 0; i < format_options(&x->f)->elements; i++, x->addr++) {
		if (inspect_read(x->f.in, x->addr, &byte, 1, &ignored) < 0)
			break;
		if (!byte) {
			x->addr++;
			break;
		}
	}
	return 0;
}

static int print_lines(struct examine *x, uint64_t count)
{
	uint64_t per_line = x->letter == 's'		      ? 1
			    : x->letter == 'a'		      ? 2
			    : x->letter == 't' && x->size > 1 ? (x->size == 8	? 1
								 : x->size == 4 ? 2
										: 8)
			    : x->size <= 2		      ? 8
			    : x->size == 4		      ? 4
							      : 2;

	for (uint64_t i = 0; i < count; i++) {
		if (i % per_line == 0) {
			fputs(i ? "\n" : "", x->f.out);
			format_address(&x->f, x->addr);
			fputc(':', x->f.out);
		}
		fputc('\t', x->f.out);
		x->last = x->addr;
		if ((x->letter == 's' ? print_string(x) : print_unit(x)) < 0)
			return -1;
	}
	fputc('\n', x->f.out);
	return 0;
}

static int start(struct examine *x, struct spot spot, const char *expression)
{
	struct inspect *in = x->f.in;
	struct context context;
	struct value *value;

	x->addr = in->examined.next;
	if (!*expression)
		return 0;
	if (context_at(in, spot, &context, x->err) < 0)
		return -1;
	value = eval_text(&context, expression, x->err);
	return value ? value_to_address(in, value, &x->addr, x->err) : -1;
}

/* $_ is where the last is, $__ what is there. */
static void note(struct examine *x)
{
	struct inspect *in = x->f.in;
	struct type *type = type_fixed(in, x->size, true);

	variable_note(in, "_", value_number(in, type_pointer(in, type), x->last));
	variable_note(in, "__", x->letter == 's' ? NULL : value_at(in, type, x->last));
}

int inspect_examine(struct inspect *in, struct spot spot, const char *format,
		    const char *expression, char **text, struct sn_err *err)
{
	struct examine x = {.f = {.in = in, .mangled = true}, .err = err};
	uint64_t count;
	size_t len;
	int rc;

	x.letter = in->examined.letter ? in->examined.letter : 'x';
	x.unit = in->examined.unit ? in->examined.unit : 'w';
	if (parse_format(&x, format, &count) < 0 || start(&x, spot, expression) < 0)
		return -1;
	*text = NULL;
	x.f.out = open_memstream(text, &len);
	if (!x.f.out)
		abort();
	rc = print_lines(&x, count);
	fclose(x.f.out);
	in->examined.next = x.addr;
	in->examined.letter = x.letter;
	in->examined.unit = x.unit;
	if (rc < 0) {
		free(*text);
		*text = NULL;
		return -1;
	}
	if (count)
		note(&x);
	return 0;
}
