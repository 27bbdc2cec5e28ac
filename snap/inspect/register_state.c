// SPDX-License-Identifier: Apache-2.0
/*
 * The area that XSAVE writes, in its standard form: Intel's manual, volume 1, 10.5.1 (what FXSAVE
 * writes) and 13.4.
 */
#include "snap/inspect/register_state.h"

#include "snap/inspect/format.h"

enum {
	FXSAVE_BYTES = 512,
	FTW_AT = 4,
	MXCSR_AT = 24,
	ST_AT = 32,
	XMM_AT = 160,
	XSTATE_BV_AT = 512,
	YMM_AT = 576, /* the upper halves */
	REGISTERS = 16,
	STACK = 8,
	XMM_BYTES = 16,
};

static const struct {
	const char *name;
	unsigned at, bits;
} controls[] = {
	{"fctrl", 0, 16},  {"fstat", 2, 16}, {"ftag", FTW_AT, 0}, {"fiseg", 12, 16},
	{"fioff", 8, 32}, {"foseg", 20, 16}, {"fooff", 16, 32},	  {"fop", 6, 11},
};

static uint64_t number_at(const uint8_t *state, size_t bytes)
{
	uint64_t number = 0;

	memcpy(&number, state, bytes);
	return number;
}

void state_print_flags(FILE *out, uint64_t flags, const char *const *names, size_t count)
{
	fputs("[ ", out);
	for (size_t bit = 0; bit < count; bit++) {
		if ((flags >> bit & 1) && *names[bit])
			fprintf(out, "%s ", names[bit]);
	}
	fputs("]", out);
}

static void print_number(FILE *out, const char *name, uint64_t number)
{
	char hex[32];

	snprintf(hex, sizeof(hex), "0x%lx", number);
	fprintf(out, "%-15s%-20s", name, hex);
}

/* ---- x87 ---- */

static unsigned tag_of(const uint8_t *st)
{
	uint64_t fraction = number_at(st, 8), exponent = number_at(st + 8, 2) & 0x7fff;

	if (exponent == 0x7fff)
		return 2;
	if (exponent == 0)
		return fraction ? 2 : 1;
	return fraction >> 63 ? 0 : 2;
}

/* Two bits for each register; FXSAVE keeps only whether one is in use. */
static uint64_t whole_tags(const uint8_t *state)
{
	unsigned used = state[FTW_AT], top = number_at(state + 2, 2) >> 11 & 7;
	uint64_t tags = 0;

	for (unsigned i = 0; i < STACK; i++) {
		const uint8_t *st = state + ST_AT + ((i + STACK - top) % STACK) * 16;

		tags |= (uint64_t)(used >> i & 1 ? tag_of(st) : 3) << (2 * i);
	}
	return tags;
}

static void print_control(FILE *out, const uint8_t *state, size_t i)
{
	uint64_t number = controls[i].bits ? number_at(state + controls[i].at, 4) &
						     ((UINT64_C(1) << controls[i].bits) - 1)
					   : whole_tags(state);

	print_number(out, controls[i].name, number);
	fprintf(out, "%d\n", (int)number);
}

static void print_st(FILE *out, const uint8_t *state, unsigned number)
{
	const uint8_t *st = state + ST_AT + number * 16;
	char *text = NULL, name[8];
	long double value = 0;
	size_t len;
	FILE *sheet = open_memstream(&text, &len);

	if (!sheet)
		abort();
	memcpy(&value, st, 10);
	format_float(sheet, value, sizeof(value));
	fclose(sheet);
	snprintf(name, sizeof(name), "st%u", number);
	fprintf(out, "%-15s%-19s (raw 0x", name, text);
	for (int i = 9; i >= 0; i--)
		fprintf(out, "%02x", st[i]);
	fputs(")\n", out);
	free(text);
}

/* ---- SSE and AVX ---- */

static void print_element(FILE *out, const uint8_t *bytes, size_t size)
{
	uint64_t high = size > 8 ? number_at(bytes + 8, 8) : 0;

	if (high)
		fprintf(out, "0x%lx%016lx", high, number_at(bytes, 8));
	else
		fprintf(out, "0x%lx", number_at(bytes, size > 8 ? 8 : size));
}

static void print_elements(FILE *out, const uint8_t *bytes, size_t size, size_t count)
{
	size_t same;

	for (size_t i = 0; i < count; i += same) {
		const uint8_t *at = bytes + i * size;

		for (same = 1; i + same < count && memcmp(at, at + same * size, size) == 0;)
			same++;
		if (same < FORMAT_REPEATS)
			same = 1;
		fputs(i ? ", " : "", out);
		print_element(out, at, size);
		if (same > 1)
			fprintf(out, " <repeats %zu times>", same);
	}
}

/* Once for each way to see it: {v8_half = {0x0, ...}, ...}. */
static void print_vector(FILE *out, const char *name, const uint8_t *bytes, size_t len)
{
	static const struct {
		const char *name;
		size_t size;
	} views[] = {
		{"bfloat16", 2}, {"half", 2},  {"float", 4}, {"double", 8}, {"int8", 1},
		{"int16", 2},	 {"int32", 4}, {"int64", 8}, {"int128", 16},
	};

	fprintf(out, "%-15s{", name);
	for (size_t i = 0; i < sn_countof(views); i++) {
		size_t count = len / views[i].size;

		fputs(i ? ", " : "", out);
		if (count == 1) {
			fputs("uint128 = ", out);
			print_element(out, bytes, views[i].size);
			continue;
		}
		fprintf(out, "v%zu_%s = {", count, views[i].name);
		print_elements(out, bytes, views[i].size, count);
		fputc('}', out);
	}
	fputs("}\n", out);
}

static bool has_ymm(const ProtobufCBinaryData *state)
{
	return state->len >= YMM_AT + REGISTERS * XMM_BYTES;
}

static void print_ymm(FILE *out, const ProtobufCBinaryData *state, unsigned number)
{
	uint8_t bytes[2 * XMM_BYTES] = {0};
	char name[8];

	memcpy(bytes, state->data + XMM_AT + number * XMM_BYTES, XMM_BYTES);
	if (number_at(state->data + XSTATE_BV_AT, 8) & 4) /* else it is as after a reset */
		memcpy(bytes + XMM_BYTES, state->data + YMM_AT + number * XMM_BYTES, XMM_BYTES);
	snprintf(name, sizeof(name), "ymm%u", number);
	print_vector(out, name, bytes, sizeof(bytes));
}

static void print_xmm(FILE *out, const uint8_t *state, unsigned number)
{
	char name[8];

	snprintf(name, sizeof(name), "xmm%u", number);
	print_vector(out, name, state + XMM_AT + number * XMM_BYTES, XMM_BYTES);
}

static void print_mxcsr(FILE *out, const uint8_t *state)
{
	static const char *const names[] = {
		"IE", "DE", "ZE", "OE", "UE", "PE", "DAZ", "IM",
		"DM", "ZM", "OM", "UM", "PM", "",   "",	   "FZ",
	};
	uint64_t mxcsr = number_at(state + MXCSR_AT, 4);

	print_number(out, "mxcsr", mxcsr);
	state_print_flags(out, mxcsr, names, sn_countof(names));
	fputc('\n', out);
}

/* ---- by name ---- */

/* "xmm12" of "xmm", below `count`. */
static bool is_numbered(const char *name, const char *start, unsigned count, unsigned *number)
{
	size_t len = strlen(start), digits;

	if (strncmp(name, start, len) != 0)
		return false;
	digits = strspn(name + len, "0123456789");
	if (!digits || digits > 2 || name[len + digits] || (name[len] == '0' && digits > 1))
		return false;
	*number = (unsigned)strtoul(name + len, NULL, 10);
	return *number < count;
}

bool state_print(FILE *out, const Sn__Registers *registers, const char *name)
{
	const ProtobufCBinaryData *state = &registers->xstate;
	unsigned number;

	if (state->len < FXSAVE_BYTES)
		return false;
	for (size_t i = 0; i < sn_countof(controls); i++) {
		if (strcmp(controls[i].name, name) != 0)
			continue;
		print_control(out, state->data, i);
		return true;
	}
	if (strcmp(name, "mxcsr") == 0)
		print_mxcsr(out, state->data);
	else if (is_numbered(name, "st", STACK, &number))
		print_st(out, state->data, number);
	else if (is_numbered(name, "xmm", REGISTERS, &number))
		print_xmm(out, state->data, number);
	else if (has_ymm(state) && is_numbered(name, "ymm", REGISTERS, &number))
		print_ymm(out, state, number);
	else
		return false;
	return true;
}

void state_print_group(FILE *out, const Sn__Registers *registers, enum state_group group)
{
	const ProtobufCBinaryData *state = &registers->xstate;

	if (state->len < FXSAVE_BYTES)
		return;
	if (group == STATE_FLOAT) {
		for (unsigned i = 0; i < STACK; i++)
			print_st(out, state->data, i);
		for (size_t i = 0; i < sn_countof(controls); i++)
			print_control(out, state->data, i);
		return;
	}
	print_mxcsr(out, state->data);
	for (unsigned i = 0; i < REGISTERS; i++) {
		if (has_ymm(state))
			print_ymm(out, state, i);
		else
			print_xmm(out, state->data, i);
	}
}
