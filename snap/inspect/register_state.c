// SPDX-License-Identifier: Apache-2.0
/*
 * The area that XSAVE writes, in its standard form: Intel's manual, volume 1, 10.5.1 (what FXSAVE
 * writes) and 13.4.
 */
#include "snap/inspect/register_state.h"

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
	{"fctrl", 0, 16}, {"fstat", 2, 16},  {"ftag", FTW_AT, 0}, {"fiseg", 12, 16},
	{"fioff", 8, 32}, {"foseg", 20, 16}, {"fooff", 16, 32},	  {"fop", 6, 11},
};

static uint64_t number_at(const uint8_t *state, size_t bytes)
{
	uint64_t number = 0;

	memcpy(&number, state, bytes);
	return number;
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

static void take(struct state_register *r, enum state_kind kind, unsigned number,
		 const uint8_t *bytes, size_t size)
{
	r->kind = kind;
	r->number = number;
	r->size = size;
	memset(r->bytes, 0, sizeof(r->bytes));
	memcpy(r->bytes, bytes, size);
}

static void take_control(struct state_register *r, const uint8_t *state, size_t i)
{
	uint32_t number = (uint32_t)(controls[i].bits
					     ? number_at(state + controls[i].at, 4) &
						       ((UINT64_C(1) << controls[i].bits) - 1)
					     : whole_tags(state));

	take(r, STATE_CONTROL, (unsigned)i, (const uint8_t *)&number, sizeof(number));
}

/* ---- SSE and AVX ---- */

static bool has_ymm(const ProtobufCBinaryData *state)
{
	return state->len >= YMM_AT + REGISTERS * XMM_BYTES;
}

static void take_ymm(struct state_register *r, const ProtobufCBinaryData *state, unsigned number)
{
	take(r, STATE_YMM, number, state->data + XMM_AT + number * XMM_BYTES, XMM_BYTES);
	r->size = 2 * XMM_BYTES;
	if (number_at(state->data + XSTATE_BV_AT, 8) & 4) /* else it is as after a reset */
		memcpy(r->bytes + XMM_BYTES, state->data + YMM_AT + number * XMM_BYTES, XMM_BYTES);
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

bool state_find(const Sn__Registers *registers, const char *name, struct state_register *found)
{
	const ProtobufCBinaryData *state = &registers->xstate;
	unsigned number;

	if (state->len < FXSAVE_BYTES)
		return false;
	for (size_t i = 0; i < sn_countof(controls); i++) {
		if (strcmp(controls[i].name, name) != 0)
			continue;
		take_control(found, state->data, i);
		return true;
	}
	if (strcmp(name, "mxcsr") == 0)
		take(found, STATE_MXCSR, 0, state->data + MXCSR_AT, 4);
	else if (is_numbered(name, "st", STACK, &number))
		take(found, STATE_X87, number, state->data + ST_AT + number * 16, 10);
	else if (is_numbered(name, "xmm", REGISTERS, &number))
		take(found, STATE_XMM, number, state->data + XMM_AT + number * XMM_BYTES,
		     XMM_BYTES);
	else if (has_ymm(state) && is_numbered(name, "ymm", REGISTERS, &number))
		take_ymm(found, state, number);
	else
		return false;
	return true;
}

bool state_name(const Sn__Registers *registers, enum state_group group, size_t i,
		char name[STATE_NAME_MAX])
{
	const ProtobufCBinaryData *state = &registers->xstate;

	if (state->len < FXSAVE_BYTES)
		return false;
	if (group == STATE_FLOAT && i < STACK)
		snprintf(name, STATE_NAME_MAX, "st%u", (unsigned)i);
	else if (group == STATE_FLOAT && i - STACK < sn_countof(controls))
		snprintf(name, STATE_NAME_MAX, "%s", controls[i - STACK].name);
	else if (group == STATE_VECTOR && i == 0)
		snprintf(name, STATE_NAME_MAX, "mxcsr");
	else if (group == STATE_VECTOR && i <= REGISTERS)
		snprintf(name, STATE_NAME_MAX, "%s%u", has_ymm(state) ? "ymm" : "xmm",
			 (unsigned)i - 1);
	else
		return false;
	return true;
}
