// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/format.h"

#include "snap/inspect/cplus.h"
#include "snap/inspect/small_float.h"

#include <dwarf.h>
#include <math.h>

bool format_is_text(struct type *element, char letter)
{
	struct type *type = type_strip(element);

	if (letter && letter != 's')
		return false;
	return type->size == 1 && !type->is_number &&
	       (type->kind == TYPE_CHAR || type->kind == TYPE_INT);
}

void format_char(FILE *out, int64_t number)
{
	fprintf(out, "%ld '", number);
	format_escaped(out, (uint8_t)number, '\'');
	fputc('\'', out);
}

/* 120 u'x' */
static void format_unicode(FILE *out, uint32_t number, uint64_t size)
{
	fprintf(out, "%u %c'", number, size == 2 ? 'u' : 'U');
	if (number < 0x80)
		format_escaped(out, (uint8_t)number, '\'');
	else
		fprintf(out, "\\%o", number);
	fputc('\'', out);
}

void format_float(FILE *out, long double number, uint64_t size)
{
	double d = (double)number;
	uint64_t bits;

	if (isnan(number)) {
		memcpy(&bits, &d, sizeof(bits));
		bits &= UINT64_C(0xfffffffffffff);
		if (size == 4)
			bits >>= 29;
		if (size >= 10) /* its leading bit, too */
			memcpy(&bits, &number, sizeof(bits));
		fprintf(out, "%snan(0x%lx)", signbit(number) ? "-" : "", bits);
	} else if (isinf(number)) {
		fputs(signbit(number) ? "-inf" : "inf", out);
	} else {
		fprintf(out, "%.*Lg", size == 4 ? 9 : size == 8 ? 17 : 21, number);
	}
}

/* ---- addresses ---- */

/* The function of the debug information, where its symbol is not nearer. */
static const char *function_name(struct inspect *in, struct module *module, uint64_t addr,
				 uint64_t *offset)
{
	struct frame frame = {.pc = addr, .look = addr, .module = module};
	struct stack stack = {0};
	const struct frame *outer;
	const char *name = NULL;
	Dwarf_Die function;
	Dwarf_Addr entry;

	frames_append(in, &stack, &frame);
	outer = &stack.frames[stack.count - 1];
	if (outer->path_len) {
		function = outer->path[0];
		if (die_entry(&function, &entry) == 0 && entry + outer->bias <= addr) {
			*offset = addr - entry - outer->bias;
			name = cplus_is(&function) ? NULL : die_name(&function);
		}
	}
	free(stack.frames);
	return name;
}

static bool is_in_section(struct module *module, uint64_t addr)
{
	Dwarf_Addr bias;

	return dwfl_module_address_section(module->dwfl, &addr, &bias) != NULL;
}

const char *address_name(struct inspect *in, uint64_t addr, uint64_t *offset)
{
	struct module *module = modules_at(in, addr);
	const struct symbol *symbol;
	const char *name;
	uint64_t distance;

	if (!module || !module->dwfl || !is_in_section(module, addr))
		return NULL;
	symbol = symbol_find(in, addr);
	name = function_name(in, module, addr, &distance);
	if (name && (!symbol || symbol->addr <= addr - distance)) {
		*offset = distance;
		return name;
	}
	if (!symbol || (!symbol->size && symbol->type != STT_FUNC && symbol->type != STT_NOTYPE) ||
	    (!symbol->size && memory_mapping(in, addr) && !(memory_mapping(in, addr)->prot & 4)))
		return NULL;
	*offset = addr - symbol->addr;
	return symbol->name;
}

static bool print_symbol(const struct format *f, uint64_t addr, bool behind)
{
	uint64_t offset;
	const char *name = address_name(f->in, addr, &offset);

	if (!name)
		return false;
	fputs(behind ? " " : "", f->out);
	if (!f->mangled)
		name = cplus_demangled(f->in, name);
	if (offset)
		fprintf(f->out, "<%s+%lu>", name, offset);
	else
		fprintf(f->out, "<%s>", name);
	return true;
}

void format_address(const struct format *f, uint64_t addr)
{
	fprintf(f->out, "0x%lx", addr);
	print_symbol(f, addr, true);
}

char *inspect_address(struct inspect *in, uint64_t addr)
{
	struct format f = {.in = in};
	char *text = NULL;
	size_t len;

	f.out = open_memstream(&text, &len);
	if (!f.out)
		abort();
	format_address(&f, addr);
	fclose(f.out);
	return text;
}

/* ---- by type ---- */

bool format_pointer(const struct format *f, uint64_t addr, bool to_code)
{
	const struct print_options *options = format_options(f);

	if (options->address)
		fprintf(f->out, "0x%lx", addr);
	return ((options->symbol || to_code) && print_symbol(f, addr, options->address)) ||
	       options->address;
}

static void print_pointer(const struct format *f, struct type *type, uint64_t addr)
{
	struct type *target = type_strip(type->target);
	bool to_code = target->kind == TYPE_FUNCTION, said = format_pointer(f, addr, to_code);

	if (!to_code && format_is_text(type->target, f->letter) && addr) {
		fputs(said ? " " : "", f->out);
		format_string_at(f, addr);
	}
}

/* Every enumerator is one bit, or none. */
static bool is_flags(const struct type *type)
{
	for (size_t i = 0; i < type->member_count; i++) {
		int64_t value = type->members[i].value;

		if (value < 0 || (value & (value - 1)))
			return false;
	}
	return true;
}

static void print_flags(const struct format *f, const struct type *type, uint64_t number)
{
	bool first = true;

	for (size_t i = 0; i < type->member_count; i++) {
		uint64_t bits = (uint64_t)type->members[i].value;

		if (!(number & bits))
			continue;
		fprintf(f->out, "%s%s", first ? "(" : " | ", type->members[i].name);
		first = false;
		number &= ~bits;
	}
	if (number)
		fprintf(f->out, "%sunknown: 0x%lx)", first ? "(" : " | ", number);
	else
		fputs(first ? "0" : ")", f->out);
}

static void print_enum(const struct format *f, struct type *type, int64_t number)
{
	type_members(f->in, type);
	for (size_t i = 0; i < type->member_count; i++) {
		if (type->members[i].value == number && type->members[i].name) {
			fputs(type->members[i].name, f->out);
			return;
		}
	}
	if (type->member_count && is_flags(type))
		print_flags(f, type, (uint64_t)number);
	else
		fprintf(f->out, "%ld", number);
}

/* In a base, at least `width` digits of it. */
static void print_digits(FILE *out, unsigned __int128 number, unsigned base, size_t width)
{
	char digits[129];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number || sizeof(digits) - at < width);
	fprintf(out, "%.*s", (int)(sizeof(digits) - at), digits + at);
}

static void print_wide(const struct format *f, unsigned __int128 number, bool is_signed)
{
	bool negative = is_signed && (__int128)number < 0;

	fputs(negative ? "-" : "", f->out);
	print_digits(f->out, negative ? -number : number, 10, 1);
}

void format_flags(FILE *out, const struct type *type, uint64_t number)
{
	fputs("[ ", out);
	for (size_t bit = 0; bit < type->flag_count; bit++) {
		if ((number >> bit & 1) && type->flags[bit] && *type->flags[bit])
			fprintf(out, "%s ", type->flags[bit]);
	}
	fputc(']', out);
}

/* Of two bytes, with as many digits as they hold. */
static void print_small_float(FILE *out, const uint8_t *bytes, bool is_bfloat)
{
	long double number;
	uint16_t raw;

	memcpy(&raw, bytes, sizeof(raw));
	number = small_float_read(raw, is_bfloat);
	if (isnan(number))
		fprintf(out, "%snan(0x%x)", signbit(number) ? "-" : "",
			raw & (is_bfloat ? 0x7f : 0x3ff));
	else if (isinf(number))
		fputs(signbit(number) ? "-inf" : "inf", out);
	else
		fprintf(out, "%.*Lg", is_bfloat ? 4 : 5, number);
}

/* Its leading bit is written down, and can contradict its exponent. */
static bool is_valid_x87(const uint8_t *bytes)
{
	bool is_zero = !(bytes[8] | (bytes[9] & 0x7f));

	return is_zero || bytes[7] & 0x80;
}

int format_scalar(const struct format *f, struct value *value, struct sn_err *err)
{
	struct type *type = type_strip(value->type);
	unsigned __int128 wide;
	const uint8_t *bytes;
	long double real;
	int64_t number;

	if (type->kind == TYPE_FLOAT) {
		if (value_to_float(f->in, value, &real, err) < 0)
			return -1;
		if (type->size >= 10 && !is_valid_x87(value->bytes))
			fputs("<invalid float value>", f->out);
		else if (type->size == sizeof(uint16_t))
			print_small_float(f->out, value->bytes, type->is_bfloat);
		else
			format_float(f->out, real, type->size);
		return 0;
	}
	if (type->kind == TYPE_INT && type->size == 16) {
		bytes = value_bytes(f->in, value, err);
		if (!bytes)
			return -1;
		memcpy(&wide, bytes, sizeof(wide));
		print_wide(f, wide, type->is_signed);
		return 0;
	}
	if (value_to_number(f->in, value, &number, err) < 0)
		return -1;
	if (type->flags)
		format_flags(f->out, type, (uint64_t)number);
	else if (type->kind == TYPE_POINTER)
		print_pointer(f, type, (uint64_t)number);
	else if (type->is_unicode)
		format_unicode(f->out, (uint32_t)number, type->size);
	else if (type->kind == TYPE_BOOL && (number == 0 || number == 1))
		fputs(number ? "true" : "false", f->out);
	else if (type->kind == TYPE_ENUM)
		print_enum(f, type, number);
	else if (type->size == 1 && type->kind != TYPE_BOOL && !type->is_number)
		format_char(f->out, number);
	else if (type->is_signed)
		fprintf(f->out, "%ld", number);
	else
		fprintf(f->out, "%lu", (uint64_t)number);
	return 0;
}

/* ---- by letter ---- */

static void print_binary(FILE *out, uint64_t raw)
{
	int bit = raw ? 63 - __builtin_clzl(raw) : 0;

	for (; bit >= 0; bit--)
		fputc(raw >> bit & 1 ? '1' : '0', out);
}

static uint64_t cut(uint64_t raw, unsigned bits)
{
	return bits < 64 ? raw & ((UINT64_C(1) << bits) - 1) : raw;
}

static int64_t as_signed(uint64_t raw, unsigned bits)
{
	return bits < 64 ? (int64_t)(raw << (64 - bits)) >> (64 - bits) : (int64_t)raw;
}

/* 'f' of an integer: its bits as those of a float of that size. */
static int print_as_float(const struct format *f, struct value *value, struct sn_err *err)
{
	struct type *type = type_strip(value->type);
	struct value *real;

	if (type_is_wide(type) && value_bytes(f->in, value, err)) {
		real = value_new(f->in, type_basic(f->in, BASIC_LONGDOUBLE));
		real->bytes = value->bytes;
		return format_scalar(f, real, err);
	}
	if (type->kind != TYPE_FLOAT && (type->size == 4 || type->size == 8)) {
		int64_t number;
		uint8_t *bytes;

		if (value_to_number(f->in, value, &number, err) < 0)
			return -1;
		bytes = inspect_alloc(f->in, 32);
		memcpy(bytes, &number, sizeof(number));
		real = value_new(f->in,
				 type_basic(f->in, type->size == 4 ? BASIC_FLOAT : BASIC_DOUBLE));
		real->bytes = bytes;
		return format_scalar(f, real, err);
	}
	if (type->kind == TYPE_FLOAT)
		return format_scalar(f, value, err);
	{
		int64_t number;

		if (value_to_number(f->in, value, &number, err) < 0)
			return -1;
		if (type->is_signed)
			fprintf(f->out, "%ld", number);
		else
			fprintf(f->out, "%lu", (uint64_t)number);
	}
	return 0;
}

/* The bits of what is wider than 8 bytes. */
static int print_wide_lettered(const struct format *f, struct value *value, struct sn_err *err)
{
	struct type *type = type_strip(value->type);
	const uint8_t *bytes = value_bytes(f->in, value, err);
	unsigned __int128 raw = 0;

	if (!bytes)
		return -1;
	memcpy(&raw, bytes, type->size);
	switch (f->letter) {
	case 'x':
	case 'z':
		fputs("0x", f->out);
		print_digits(f->out, raw, 16, f->letter == 'z' ? 2 * type->size : 1);
		break;
	case 'o':
		fputs(raw ? "0" : "", f->out);
		print_digits(f->out, raw, 8, 1);
		break;
	case 't':
		print_digits(f->out, raw, 2, 1);
		break;
	default:
		print_wide(f, raw, f->letter == 'd');
		break;
	}
	return 0;
}

int format_lettered(const struct format *f, struct value *value, struct sn_err *err)
{
	struct type *type = type_strip(value->type);
	unsigned bits = (unsigned)(8 * type->size);
	uint64_t raw;
	int64_t number = 0;

	if (f->letter == 'f')
		return print_as_float(f, value, err);
	if (type->size > 8 && type->size <= 16 && strchr("xduotz", f->letter))
		return print_wide_lettered(f, value, err);
	if (type->kind == TYPE_FLOAT && strchr("xduotz", f->letter)) {
		const uint8_t *bytes = value_bytes(f->in, value, err);

		if (!bytes)
			return -1;
		memcpy(&number, bytes, type->size);
	} else if (value_to_number(f->in, value, &number, err) < 0) {
		return -1;
	}
	raw = cut((uint64_t)number, bits);
	switch (f->letter) {
	case 'x':
		fprintf(f->out, "0x%lx", raw);
		break;
	case 'z':
		fprintf(f->out, "0x%0*lx", (int)((bits + 3) / 4), raw);
		break;
	case 'd':
		fprintf(f->out, "%ld", as_signed(raw, bits));
		break;
	case 'u':
		fprintf(f->out, "%lu", raw);
		break;
	case 'o':
		fprintf(f->out, raw ? "0%lo" : "%lo", raw);
		break;
	case 't':
		print_binary(f->out, raw);
		break;
	case 'a':
		format_address(f, (uint64_t)number);
		break;
	case 'c':
		format_char(f->out, type->is_signed || number < 0 ? (int8_t)raw : (uint8_t)raw);
		break;
	default:
		return format_scalar(f, value, err);
	}
	return 0;
}
