// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/register_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* after what it leans on */
#include <cmocka.h>

enum { BYTES = 832 };

struct area {
	uint8_t bytes[BYTES];
	Sn__Registers registers;
};

static void area_init(struct area *area, size_t len)
{
	memset(area, 0, sizeof(*area));
	sn__registers__init(&area->registers);
	area->registers.xstate = (ProtobufCBinaryData){.len = len, .data = area->bytes};
}

static struct state_register found_of(const struct area *area, const char *name)
{
	struct state_register found;

	assert_true(state_find(&area->registers, name, &found));
	return found;
}

static uint32_t number_of(const struct area *area, const char *name)
{
	struct state_register found = found_of(area, name);
	uint32_t number;

	assert_int_equal(found.size, sizeof(number));
	memcpy(&number, found.bytes, sizeof(number));
	return number;
}

static void the_stack_of_the_x87(void **state)
{
	const long double one = -1.5L;
	struct area area;

	(void)state;
	area_init(&area, 512);
	area.bytes[2] = 0;
	area.bytes[3] = 7 << 3; /* top is 7: st0 is the last register */
	area.bytes[4] = 0x80;
	memcpy(area.bytes + 32, &one, 10);
	assert_memory_equal(found_of(&area, "st0").bytes, &one, 10);
	assert_int_equal(number_of(&area, "ftag"), 0x3fff);
	assert_int_equal(number_of(&area, "fstat"), 0x3800);
}

static void both_halves(void **state)
{
	struct state_register ymm, xmm;
	struct area area;

	(void)state;
	area_init(&area, BYTES);
	area.bytes[160 + 16] = 1;
	area.bytes[576 + 16] = 2;
	ymm = found_of(&area, "ymm1");
	assert_int_equal(ymm.size, 32);
	assert_int_equal(ymm.bytes[0], 1);
	assert_int_equal(ymm.bytes[16], 0);
	area.bytes[512] = 7; /* AVX state is not as after a reset */
	ymm = found_of(&area, "ymm1");
	assert_int_equal(ymm.bytes[16], 2);
	xmm = found_of(&area, "xmm1");
	assert_int_equal(xmm.size, 16);
	assert_int_equal(xmm.bytes[0], 1);
}

static void names(void **state)
{
	char name[STATE_NAME_MAX];
	struct area area;

	(void)state;
	area_init(&area, BYTES);
	assert_true(state_name(&area.registers, STATE_FLOAT, 15, name));
	assert_string_equal(name, "fop");
	assert_false(state_name(&area.registers, STATE_FLOAT, 16, name));
	assert_true(state_name(&area.registers, STATE_VECTOR, 16, name));
	assert_string_equal(name, "ymm15");
	assert_false(state_name(&area.registers, STATE_VECTOR, 17, name));
}

static void what_is_not_there(void **state)
{
	static const char *const wrong[] = {"st8",   "xmm16", "xmm", "xmm01",
					    "xmm1x", "ymm-1", "",    "rax"};
	struct state_register found;
	struct area area;

	(void)state;
	area_init(&area, BYTES);
	for (size_t i = 0; i < sn_countof(wrong); i++)
		assert_false(state_find(&area.registers, wrong[i], &found));
	area.registers.xstate.len = 576;
	assert_false(state_find(&area.registers, "ymm0", &found));
	area.registers.xstate.len = 511;
	assert_false(state_find(&area.registers, "xmm0", &found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_stack_of_the_x87),
		cmocka_unit_test(both_halves),
		cmocka_unit_test(names),
		cmocka_unit_test(what_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
