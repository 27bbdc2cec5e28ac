// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/gdb_packet.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The last event that some bytes bring. */
static enum gdb_event feed(struct gdb_parser *parser, const char *bytes)
{
	enum gdb_event event = GDB_NOTHING;

	for (; *bytes; bytes++)
		event = gdb_parser_byte(parser, *bytes);
	return event;
}

static void framing(void **state)
{
	static const struct {
		const char *bytes;
		enum gdb_event event;
		const char *text;
	} cases[] = {
		{"$OK#9a", GDB_PACKET, "OK"},
		{"$OK#9A", GDB_PACKET, "OK"},
		{"$#00", GDB_PACKET, ""},
		{"+$OK#9a", GDB_PACKET, "OK"},
		{"\003$?#3f", GDB_PACKET, "?"},
		{"rubbish$g#67", GDB_PACKET, "g"},
		{"$lost$g#67", GDB_PACKET, "g"},
		{"$OK#9b", GDB_BROKEN, "OK"},
		{"$OK#zz", GDB_BROKEN, "OK"},
		{"+", GDB_ACK, ""},
		{"-", GDB_NAK, ""},
		{"$+-", GDB_NOTHING, ""},
	};

	(void)state;
	for (size_t i = 0; i < sn_countof(cases); i++) {
		sn_auto_free struct gdb_parser *parser = sn_calloc(1, sizeof(*parser));

		assert_int_equal(feed(parser, cases[i].bytes), cases[i].event);
		if (*cases[i].text)
			assert_string_equal(parser->text, cases[i].text);
	}
}

/* A packet of the longest length is taken, one byte more is not, and the next one is again. */
static void length(void **state)
{
	sn_auto_free struct gdb_parser *parser = sn_calloc(1, sizeof(*parser));

	(void)state;
	for (size_t more = 0; more < 3; more++) {
		char sum[4];

		gdb_parser_byte(parser, '$');
		for (size_t i = 0; i < GDB_PACKET_BYTES + more; i++)
			assert_int_equal(gdb_parser_byte(parser, 'a'), GDB_NOTHING);
		snprintf(sum, sizeof(sum), "#%02x",
			 (unsigned)((GDB_PACKET_BYTES + more) * 'a' & 255));
		assert_int_equal(feed(parser, sum), more ? GDB_BROKEN : GDB_PACKET);
		assert_true(strlen(parser->text) == GDB_PACKET_BYTES);
	}
	assert_int_equal(feed(parser, "$OK#9a"), GDB_PACKET);
	assert_string_equal(parser->text, "OK");
}

static char *binary(const void *bytes, size_t len, size_t max, size_t *done)
{
	char *text;
	size_t text_len;
	FILE *out = open_memstream(&text, &text_len);

	*done = gdb_put_binary(out, bytes, len, max);
	fclose(out);
	assert_true(text_len <= max);
	return text;
}

static void making(void **state)
{
	sn_auto_free char *text = NULL, *all = NULL, *some = NULL, *hex = NULL;
	size_t len, done;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	gdb_packet_put(out, "OK", 2);
	fclose(out);
	assert_string_equal(text, "$OK#9a");
	all = binary("a#$}*z", 6, 100, &done);
	assert_string_equal(all, "a}\003}\004}]}\nz");
	assert_int_equal(done, 6);
	some = binary("a#$", 3, 4, &done); /* an escaped byte is not cut in two */
	assert_string_equal(some, "a}\003");
	assert_int_equal(done, 2);
	out = open_memstream(&hex, &len);
	gdb_put_hex(out, "\x00\x7f\xff", 3);
	fclose(out);
	assert_string_equal(hex, "007fff");
}

/* Repetitions come out as they went in, and # and $ are never their count. */
static void repetitions(void **state)
{
	(void)state;
	for (size_t count = 1; count < 300; count++) {
		sn_auto_free char *text = sn_calloc(count, 1), *packet = NULL;
		size_t len, got = 0;
		FILE *out = open_memstream(&packet, &len);

		memset(text, '0', count);
		gdb_packet_put(out, text, count);
		fclose(out);
		assert_int_equal(strcspn(packet, "#"), len - 3);
		assert_null(strchr(packet + 1, '$'));
		for (size_t i = 1; packet[i] != '#'; i++) {
			if (packet[i] == '*')
				got += (size_t)packet[++i] - 29;
			else
				got++;
		}
		assert_int_equal(got, count);
		assert_true(count < 100 || len < count / 8);
	}
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		bool well;
		uint64_t number;
	} cases[] = {
		{"0", true, 0},
		{"fF,", true, 255},
		{"ffffffffffffffff", true, UINT64_MAX},
		{"10000000000000000", false, 0},
		{"", false, 0},
		{",", false, 0},
		{"-1", false, 0},
		{"x", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sn_countof(cases); i++) {
		const char *at = cases[i].text;
		uint64_t number;

		assert_int_equal(gdb_take_number(&at, &number), cases[i].well);
		if (cases[i].well)
			assert_true(number == cases[i].number);
	}
}

static void threads(void **state)
{
	static const struct {
		const char *text;
		bool well;
		int64_t pid, tid;
	} cases[] = {
		{"1f", true, 0, 31},   {"0", true, 0, 0},
		{"-1", true, 0, -1},   {"p2.3", true, 2, 3},
		{"p2", true, 2, -1},   {"p2.-1", true, 2, -1},
		{"p-1", true, -1, -1}, {"p-1.-1", true, -1, -1},
		{"", false, 0, 0},     {"p", false, 0, 0},
		{"p.1", false, 0, 0},  {"p1.", false, 0, 0},
		{"-2", false, 0, 0},   {"80000000", false, 0, 0},
		{"p1.x", false, 0, 0}, {"7fffffff", true, 0, INT32_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sn_countof(cases); i++) {
		const char *at = cases[i].text;
		int64_t pid, tid;

		assert_int_equal(gdb_take_thread(&at, &pid, &tid), cases[i].well);
		if (cases[i].well) {
			assert_int_equal(pid, cases[i].pid);
			assert_int_equal(tid, cases[i].tid);
		}
	}
}

static void texts(void **state)
{
	const char *at = "2f62696e,0";
	char text[8];

	(void)state;
	assert_true(gdb_take_text(&at, text, sizeof(text)));
	assert_string_equal(text, "/bin");
	assert_string_equal(at, ",0");
	at = "2f62696e";
	assert_false(gdb_take_text(&at, text, 4)); /* too long */
	at = "2f00";
	assert_false(gdb_take_text(&at, text, sizeof(text)));
	at = "";
	assert_false(gdb_take_text(&at, text, sizeof(text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(framing),     cmocka_unit_test(length),  cmocka_unit_test(making),
		cmocka_unit_test(repetitions), cmocka_unit_test(numbers), cmocka_unit_test(threads),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
