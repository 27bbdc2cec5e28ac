// SPDX-License-Identifier: Apache-2.0
/*
 * Names, features and types are those that "i386 Features" in gdb's manual asks for. An XSAVE area
 * is laid out in the processor manuals of Intel (volume 1, chapter 13); its first 512 bytes
 * are FXSAVE's. The kernel leaves XCR0 in bytes that the processor does not use.
 */
#include "snap/inspect/gdb_target.h"

#include "snap/inspect/core_notes.h"
#include "snap/inspect/gdb_packet.h"

#include <cpuid.h>
#include <sys/reg.h>

enum {
	PART_X87 = 0,
	PART_SSE = 1,
	PART_AVX = 2,
	PART_OPMASK = 5,
	PART_ZMM_HIGH = 6, /* upper halves of zmm0 to zmm15 */
	PART_ZMM_MORE = 7, /* zmm16 to zmm31 */
	PART_PKRU = 9,
	XCR0_AT = 464,
	XSTATE_BV_AT = 512,
	AVX_AT = 576,
	AVX_BYTES = 256,
	REGISTER_BYTES = 32, /* the longest */
};

enum feature {
	FEATURE_CORE,
	FEATURE_SSE,
	FEATURE_LINUX,
	FEATURE_SEGMENTS,
	FEATURE_AVX,
	FEATURE_AVX512,
	FEATURE_PKEYS,
	FEATURE_COUNT,
};

static const struct {
	const char *name;
	unsigned part; /* there is none without it */
} features[FEATURE_COUNT] = {
	[FEATURE_CORE] = {"core", PART_X87},	[FEATURE_SSE] = {"sse", PART_SSE},
	[FEATURE_LINUX] = {"linux", PART_X87},	[FEATURE_SEGMENTS] = {"segments", PART_X87},
	[FEATURE_AVX] = {"avx", PART_AVX},	[FEATURE_AVX512] = {"avx512", PART_ZMM_MORE},
	[FEATURE_PKEYS] = {"pkeys", PART_PKRU},
};

enum source {
	FROM_GENERAL, /* at: its number in sys/reg.h */
	FROM_AREA,    /* at: bytes behind the part's start */
	FROM_X87,     /* at: its number below */
};

/* The x87 unit's own, each 32 bits, in gdb's order. */
enum { X87_CONTROL, X87_STATUS, X87_TAGS, X87_CODE_SEG, X87_CODE, X87_DATA_SEG, X87_DATA, X87_OP };

#define GENERAL(name, bits, type, at)                                              \
	{                                                                          \
		FEATURE_CORE, name, 0, 1, bits, type, NULL, FROM_GENERAL, 0, at, 0 \
	}
#define X87(name, at)                                                                   \
	{                                                                               \
		FEATURE_CORE, name, 0, 1, 32, "int", "float", FROM_X87, PART_X87, at, 0 \
	}

/* Each row: registers that differ in their number only. */
static const struct row {
	enum feature feature;
	const char *name;      /* with a * in the place of its number */
	unsigned first, count; /* the numbers */
	unsigned bits;
	const char *type;
	const char *group; /* NULL: the type's */
	enum source source;
	unsigned part, at, step;
} rows[] = {
	GENERAL("rax", 64, "int64", RAX),
	GENERAL("rbx", 64, "int64", RBX),
	GENERAL("rcx", 64, "int64", RCX),
	GENERAL("rdx", 64, "int64", RDX),
	GENERAL("rsi", 64, "int64", RSI),
	GENERAL("rdi", 64, "int64", RDI),
	GENERAL("rbp", 64, "data_ptr", RBP),
	GENERAL("rsp", 64, "data_ptr", RSP),
	GENERAL("r8", 64, "int64", R8),
	GENERAL("r9", 64, "int64", R9),
	GENERAL("r10", 64, "int64", R10),
	GENERAL("r11", 64, "int64", R11),
	GENERAL("r12", 64, "int64", R12),
	GENERAL("r13", 64, "int64", R13),
	GENERAL("r14", 64, "int64", R14),
	GENERAL("r15", 64, "int64", R15),
	GENERAL("rip", 64, "code_ptr", RIP),
	GENERAL("eflags", 32, "i386_eflags", EFLAGS),
	GENERAL("cs", 32, "int32", CS),
	GENERAL("ss", 32, "int32", SS),
	GENERAL("ds", 32, "int32", DS),
	GENERAL("es", 32, "int32", ES),
	GENERAL("fs", 32, "int32", FS),
	GENERAL("gs", 32, "int32", GS),
	{FEATURE_CORE, "st*", 0, 8, 80, "i387_ext", NULL, FROM_AREA, PART_X87, 32, 16},
	X87("fctrl", X87_CONTROL),
	X87("fstat", X87_STATUS),
	X87("ftag", X87_TAGS),
	X87("fiseg", X87_CODE_SEG),
	X87("fioff", X87_CODE),
	X87("foseg", X87_DATA_SEG),
	X87("fooff", X87_DATA),
	X87("fop", X87_OP),
	{FEATURE_SSE, "xmm*", 0, 16, 128, "vec128", NULL, FROM_AREA, PART_SSE, 160, 16},
	{FEATURE_SSE, "mxcsr", 0, 1, 32, "i386_mxcsr", "vector", FROM_AREA, PART_X87, 24, 0},
	{FEATURE_LINUX, "orig_rax", 0, 1, 64, "int", NULL, FROM_GENERAL, 0, ORIG_RAX, 0},
	{FEATURE_SEGMENTS, "fs_base", 0, 1, 64, "int", NULL, FROM_GENERAL, 0, FS_BASE, 0},
	{FEATURE_SEGMENTS, "gs_base", 0, 1, 64, "int", NULL, FROM_GENERAL, 0, GS_BASE, 0},
	{FEATURE_AVX, "ymm*h", 0, 16, 128, "uint128", NULL, FROM_AREA, PART_AVX, 0, 16},
	{FEATURE_AVX512, "xmm*", 16, 16, 128, "vec128", NULL, FROM_AREA, PART_ZMM_MORE, 0, 64},
	{FEATURE_AVX512, "ymm*h", 16, 16, 128, "uint128", NULL, FROM_AREA, PART_ZMM_MORE, 16, 64},
	{FEATURE_AVX512, "k*", 0, 8, 64, "uint64", NULL, FROM_AREA, PART_OPMASK, 0, 8},
	{FEATURE_AVX512, "zmm*h", 0, 16, 256, "v2ui128", NULL, FROM_AREA, PART_ZMM_HIGH, 0, 32},
	{FEATURE_AVX512, "zmm*h", 16, 16, 256, "v2ui128", NULL, FROM_AREA, PART_ZMM_MORE, 32, 64},
	{FEATURE_PKEYS, "pkru", 0, 1, 32, "int", NULL, FROM_AREA, PART_PKRU, 0, 0},
};

/* ---- how they are described ---- */

static const char eflags_type[] =
	"<flags id='i386_eflags' size='4'><field name='CF' start='0' end='0'/>"
	"<field name='' start='1' end='1'/><field name='PF' start='2' end='2'/>"
	"<field name='AF' start='4' end='4'/><field name='ZF' start='6' end='6'/>"
	"<field name='SF' start='7' end='7'/><field name='TF' start='8' end='8'/>"
	"<field name='IF' start='9' end='9'/><field name='DF' start='10' end='10'/>"
	"<field name='OF' start='11' end='11'/><field name='NT' start='14' end='14'/>"
	"<field name='RF' start='16' end='16'/><field name='VM' start='17' end='17'/>"
	"<field name='AC' start='18' end='18'/><field name='VIF' start='19' end='19'/>"
	"<field name='VIP' start='20' end='20'/><field name='ID' start='21' end='21'/>"
	"</flags>";

static const char mxcsr_type[] =
	"<flags id='i386_mxcsr' size='4'><field name='IE' start='0' end='0'/>"
	"<field name='DE' start='1' end='1'/><field name='ZE' start='2' end='2'/>"
	"<field name='OE' start='3' end='3'/><field name='UE' start='4' end='4'/>"
	"<field name='PE' start='5' end='5'/><field name='DAZ' start='6' end='6'/>"
	"<field name='IM' start='7' end='7'/><field name='DM' start='8' end='8'/>"
	"<field name='ZM' start='9' end='9'/><field name='OM' start='10' end='10'/>"
	"<field name='UM' start='11' end='11'/><field name='PM' start='12' end='12'/>"
	"<field name='FZ' start='15' end='15'/></flags>";

static const char element_types[] = "<vector id='v4f' type='ieee_single' count='4'/>"
				    "<vector id='v2d' type='ieee_double' count='2'/>"
				    "<vector id='v16i8' type='int8' count='16'/>"
				    "<vector id='v8i16' type='int16' count='8'/>"
				    "<vector id='v4i32' type='int32' count='4'/>"
				    "<vector id='v2i64' type='int64' count='2'/>";

static const char vector_fields[] =
	"<field name='v4_float' type='v4f'/><field name='v2_double' type='v2d'/>"
	"<field name='v16_int8' type='v16i8'/><field name='v8_int16' type='v8i16'/>"
	"<field name='v4_int32' type='v4i32'/><field name='v2_int64' type='v2i64'/>"
	"<field name='uint128' type='uint128'/>";

/* What an SSE register can be read as. */
static void describe_vector(FILE *out, bool short_floats)
{
	fputs(element_types, out);
	if (short_floats)
		fputs("<vector id='v8bf16' type='bfloat16' count='8'/>"
		      "<vector id='v8h' type='ieee_half' count='8'/>",
		      out);
	fputs("<union id='vec128'>", out);
	if (short_floats)
		fputs("<field name='v8_bfloat16' type='v8bf16'/>"
		      "<field name='v8_half' type='v8h'/>",
		      out);
	fprintf(out, "%s</union>", vector_fields);
}

static void describe_types(FILE *out, enum feature feature, bool short_floats)
{
	switch (feature) {
	case FEATURE_CORE:
		fputs(eflags_type, out);
		break;
	case FEATURE_SSE:
		describe_vector(out, short_floats);
		fputs(mxcsr_type, out);
		break;
	case FEATURE_AVX512:
		describe_vector(out, short_floats);
		fputs("<vector id='v2ui128' type='uint128' count='2'/>", out);
		break;
	default:
		break;
	}
}

static void describe_row(FILE *out, const struct row *row)
{
	for (unsigned i = row->first; i < row->first + row->count; i++) {
		size_t before = strcspn(row->name, "*");

		fprintf(out, "<reg name='%.*s", (int)before, row->name);
		if (row->name[before])
			fprintf(out, "%u%s", i, row->name + before + 1);
		fprintf(out, "' bitsize='%u' type='%s'", row->bits, row->type);
		if (row->group)
			fprintf(out, " group='%s'", row->group);
		fputs("/>", out);
	}
}

void gdb_target_describe(FILE *out, const struct gdb_layout *layout, bool short_floats)
{
	fputs("<?xml version='1.0'?><!DOCTYPE target SYSTEM 'gdb-target.dtd'><target>"
	      "<architecture>i386:x86-64</architecture><osabi>GNU/Linux</osabi>",
	      out);
	for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
		if (!(layout->parts >> features[feature].part & 1))
			continue;
		fprintf(out, "<feature name='org.gnu.gdb.i386.%s'>", features[feature].name);
		describe_types(out, feature, short_floats);
		for (size_t i = 0; i < sn_countof(rows); i++) {
			if (rows[i].feature == feature)
				describe_row(out, &rows[i]);
		}
		fputs("</feature>", out);
	}
	fputs("</target>", out);
}

/* ---- where they are ---- */

static uint64_t word_at(const ProtobufCBinaryData *area, size_t at, size_t bytes)
{
	uint64_t word = 0;

	if (at + bytes <= area->len)
		memcpy(&word, area->data + at, bytes);
	return word;
}

/* Parts behind AVX: Intel's processors and AMD's have them at different places. */
static void layout_more(const ProtobufCBinaryData *xstate, uint64_t enabled,
			struct gdb_layout *layout)
{
	unsigned bytes, offset, now, most, unused;

	if (!__get_cpuid_count(0xd, 0, &unused, &now, &most, &unused) ||
	    (now != xstate->len && most != xstate->len))
		return;
	for (unsigned part = PART_OPMASK; part < GDB_PARTS; part++) {
		if (!(enabled >> part & 1) ||
		    !__get_cpuid_count(0xd, part, &bytes, &offset, &unused, &unused) || !bytes ||
		    (uint64_t)offset + bytes > xstate->len)
			continue;
		layout->parts |= 1U << part;
		layout->offset[part] = offset;
	}
}

void gdb_layout_of(const ProtobufCBinaryData *xstate, struct gdb_layout *layout)
{
	const uint64_t avx512 = 1U << PART_OPMASK | 1U << PART_ZMM_HIGH | 1U << PART_ZMM_MORE;
	uint64_t enabled = word_at(xstate, XCR0_AT, sizeof(enabled));

	*layout = (struct gdb_layout){.parts = 1U << PART_X87 | 1U << PART_SSE};
	if (!(enabled >> PART_AVX & 1) || xstate->len < AVX_AT + AVX_BYTES)
		return;
	layout->parts |= 1U << PART_AVX;
	layout->offset[PART_AVX] = AVX_AT;
	layout_more(xstate, enabled, layout);
	if ((layout->parts & avx512) != avx512)
		layout->parts &= ~avx512;
}

static bool is_there(const struct gdb_layout *layout, const struct row *row)
{
	return layout->parts >> features[row->feature].part & 1;
}

/* ---- what they hold ---- */

/*
 * FXSAVE keeps one bit of each tag, empty or not, by physical register; the x87's own tag word
 * has two: 0 valid, 1 zero, 2 special, 3 empty.
 */
static uint64_t x87_tags(const ProtobufCBinaryData *area)
{
	uint64_t used = word_at(area, 4, 1), top = word_at(area, 2, 2) >> 11 & 7, tags = 0;

	for (unsigned i = 0; i < 8; i++) {
		size_t at = 32 + 16 * ((i - top) & 7);
		uint64_t mantissa = word_at(area, at, 8), exponent = word_at(area, at + 8, 2);
		uint64_t tag = 2;

		exponent &= 0x7fff;
		if (!(used >> i & 1))
			tag = 3;
		else if (exponent == 0 && mantissa == 0)
			tag = 1;
		else if (exponent && exponent != 0x7fff && mantissa >> 63)
			tag = 0;
		tags |= tag << 2 * i;
	}
	return tags;
}

static uint64_t x87_word(const ProtobufCBinaryData *area, unsigned which)
{
	switch (which) {
	case X87_CONTROL:
		return word_at(area, 0, 2);
	case X87_STATUS:
		return word_at(area, 2, 2);
	case X87_TAGS:
		return x87_tags(area);
	case X87_OP:
		return word_at(area, 6, 2) & 0x7ff;
	case X87_CODE:
		return word_at(area, 8, 4);
	case X87_CODE_SEG:
		return word_at(area, 12, 2);
	case X87_DATA:
		return word_at(area, 16, 4);
	default:
		return word_at(area, 20, 2);
	}
}

/* Bytes of register i of a row; false: not known. A part that the processor had in its initial
 * state is zeros (of x87 and SSE the kernel writes the initial state itself). */
static bool register_bytes(const struct gdb_layout *layout, const struct row *row, unsigned i,
			   const Sn__Registers *registers, uint8_t bytes[REGISTER_BYTES])
{
	const ProtobufCBinaryData *area = &registers->xstate;
	size_t at = layout->offset[row->part] + row->at + i * row->step, len = row->bits / 8;
	elf_gregset_t general;
	uint64_t word;

	memset(bytes, 0, REGISTER_BYTES);
	if (row->source == FROM_GENERAL) {
		core_registers(registers, general);
		memcpy(bytes, &general[row->at], len);
		return true;
	}
	if (area->len < FXSAVE_BYTES || at + len > area->len)
		return false;
	if (row->source == FROM_X87) {
		word = x87_word(area, row->at);
		memcpy(bytes, &word, len);
	} else if (row->part < PART_AVX || word_at(area, XSTATE_BV_AT, 8) >> row->part & 1) {
		memcpy(bytes, area->data + at, len);
	}
	return true;
}

static void put_register(FILE *out, const struct gdb_layout *layout, const struct row *row,
			 unsigned i, const Sn__Registers *registers)
{
	uint8_t bytes[REGISTER_BYTES];

	if (registers && register_bytes(layout, row, i, registers, bytes)) {
		gdb_put_hex(out, bytes, row->bits / 8);
		return;
	}
	for (unsigned digit = 0; digit < row->bits / 4; digit++)
		fputc('x', out);
}

bool gdb_target_register(FILE *out, const struct gdb_layout *layout, const Sn__Registers *registers,
			 uint64_t number)
{
	for (size_t i = 0; i < sn_countof(rows); i++) {
		if (!is_there(layout, &rows[i]))
			continue;
		if (number < rows[i].count) {
			put_register(out, layout, &rows[i], (unsigned)number, registers);
			return true;
		}
		number -= rows[i].count;
	}
	return false;
}

void gdb_target_registers(FILE *out, const struct gdb_layout *layout,
			  const Sn__Registers *registers)
{
	for (size_t i = 0; i < sn_countof(rows); i++) {
		for (unsigned n = 0; is_there(layout, &rows[i]) && n < rows[i].count; n++)
			put_register(out, layout, &rows[i], n, registers);
	}
}
