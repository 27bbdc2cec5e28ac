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

/* NULL: there is no such register. */
static char *line_of(const struct area *area, const char *name)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool found = state_print(out, &area->registers, name);

	fclose(out);
	if (found)
		return text;
	free(text);
	return NULL;
}

static void expect_line(const struct area *area, const char *name, const char *want)
{
	sn_auto_free char *line = line_of(area, name);

	assert_non_null(line);
	assert_string_equal(line, want);
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
	expect_line(&area, "st0",
		    "st0            -1.5                (raw 0xbfffc000000000000000)\n");
	expect_line(&area, "ftag", "ftag           0x3fff              16383\n");
	expect_line(&area, "fstat", "fstat          0x3800              14336\n");
}

static void both_halves(void **state)
{
	sn_auto_free char *line = NULL;
	struct area area;

	(void)state;
	area_init(&area, BYTES);
	area.bytes[160 + 16] = 1;
	area.bytes[576 + 16] = 2;
	line = line_of(&area, "ymm1");
	assert_non_null(strstr(line, "v4_int64 = {0x1, 0x0, 0x0, 0x0}, v2_int128 = {0x1, 0x0}}"));
	free(line);
	area.bytes[512] = 7; /* AVX state is not as after a reset */
	line = line_of(&area, "ymm1");
	assert_non_null(strstr(line, "v4_int64 = {0x1, 0x0, 0x2, 0x0}, v2_int128 = {0x1, 0x2}}"));
	free(line);
	line = line_of(&area, "xmm1");
	assert_non_null(strstr(line, "v16_int8 = {0x1, 0x0 <repeats 15 times>}"));
	assert_non_null(strstr(line, "uint128 = 0x1}\n"));
}

static void what_is_not_there(void **state)
{
	static const char *const wrong[] = {"st8", "xmm16", "xmm", "xmm01", "xmm1x", "ymm-1", "",
					    "rax"};
	struct area area;

	(void)state;
	area_init(&area, BYTES);
	for (size_t i = 0; i < sn_countof(wrong); i++)
		assert_null(line_of(&area, wrong[i]));
	area.registers.xstate.len = 576;
	assert_null(line_of(&area, "ymm0"));
	area.registers.xstate.len = 511;
	assert_null(line_of(&area, "xmm0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_stack_of_the_x87),
		cmocka_unit_test(both_halves),
		cmocka_unit_test(what_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
