// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/gdb_target.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { AREA_BYTES = 2696, X87_AT = 32, TAGS = 34, XMM16 = 76, K1 = 109, ZMM1H = 117, PKRU = 148 };

/* An area as Intel's processors have it, with AVX-512 and protection keys. */
struct area {
	uint8_t bytes[AREA_BYTES];
	Sn__Registers registers;
	struct gdb_layout layout;
};

static void area_init(struct area *a)
{
	*a = (struct area){
		.layout = {.parts = 0x2e7,
			   .offset = {[2] = 576, [5] = 1088, [6] = 1152, [7] = 1664, [9] = 2688}}};
	sn__registers__init(&a->registers);
	a->registers.xstate = (ProtobufCBinaryData){AREA_BYTES, a->bytes};
	a->bytes[512] = 0xe7;
	a->bytes[513] = 0x02;
}

static void assert_register(struct area *a, uint64_t number, const char *want)
{
	sn_auto_free char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_true(gdb_target_register(out, &a->layout, &a->registers, number));
	fclose(out);
	assert_string_equal(text, want);
}

/* Of every set of parts: what is described is what is sent, to the bit. */
static void described_as_sent(void **state)
{
	(void)state;
	for (unsigned parts = 0; parts < 8; parts++) {
		sn_auto_free char *xml = NULL, *sent = NULL;
		size_t len, bits = 0, count = 0;
		struct area a;
		FILE *out = open_memstream(&xml, &len);

		area_init(&a);
		a.layout.parts = 3U | (parts & 1 ? 4U : 0) | (parts & 2 ? 0xe0U : 0) |
				 (parts & 4 ? 0x200U : 0);
		gdb_target_describe(out, &a.layout, parts & 1);
		fclose(out);
		for (const char *at = xml; (at = strstr(at, "bitsize='")); count++) {
			at += strlen("bitsize='");
			bits += strtoul(at, NULL, 10);
		}
		out = open_memstream(&sent, &len);
		gdb_target_registers(out, &a.layout, &a.registers);
		fflush(out);
		assert_int_equal(len, bits / 4);
		assert_false(gdb_target_register(out, &a.layout, &a.registers, count));
		assert_true(gdb_target_register(out, &a.layout, &a.registers, count - 1));
		fclose(out);
		assert_null(strchr(xml, '*'));
	}
}

static void tags(void **state)
{
	static const uint8_t one[10] = {0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f};
	static const uint8_t endless[10] = {0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x7f};
	struct area a;

	(void)state;
	area_init(&a);
	assert_register(&a, TAGS, "ffff0000");
	/* the top is register 5: st0 is 5, st1 is 6, st2 is 7; a zero, one, and infinity */
	a.bytes[3] = 5 << 3;
	a.bytes[4] = 0xe0;
	memcpy(a.bytes + X87_AT + 16, one, sizeof(one));
	memcpy(a.bytes + X87_AT + 32, endless, sizeof(endless));
	assert_register(&a, TAGS, "ff870000");
	assert_register(&a, 25, "0000000000000080ff3f"); /* st1 */
}

static void behind_avx(void **state)
{
	struct area a;

	(void)state;
	area_init(&a);
	a.bytes[1664] = 0x16;
	a.bytes[1088 + 8] = 0x51;
	a.bytes[1152 + 32] = 0x61;
	a.bytes[2688] = 0x54;
	assert_register(&a, XMM16, "16000000000000000000000000000000");
	assert_register(&a, K1, "5100000000000000");
	assert_register(&a, ZMM1H,
			"6100000000000000000000000000000000000000000000000000000000000000");
	assert_register(&a, PKRU, "54000000");
	a.bytes[512] = 0; /* all in their initial state, whatever the bytes are */
	assert_register(&a, K1, "0000000000000000");
	a.registers.xstate.len = 1090; /* shorter than it should be */
	assert_register(&a, K1, "xxxxxxxxxxxxxxxx");
}

/* Without an area, or with less of it than FXSAVE's, there are the general registers. */
static void short_areas(void **state)
{
	uint8_t bytes[600] = {0};
	struct gdb_layout layout;

	(void)state;
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		ProtobufCBinaryData area = {len, bytes};

		gdb_layout_of(&area, &layout);
		assert_true(layout.parts == 3);
	}
	bytes[464] = 0xff; /* says that it has AVX and more, and is too short */
	gdb_layout_of(&(ProtobufCBinaryData){sizeof(bytes), bytes}, &layout);
	assert_true(layout.parts == 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(described_as_sent),
		cmocka_unit_test(tags),
		cmocka_unit_test(behind_avx),
		cmocka_unit_test(short_areas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
