// SPDX-License-Identifier: Apache-2.0
#include "proto/print.h"

#include "core/base/guard.h"
#include "proto/sample_test.h"
#include "proto/text.h"

typedef void print_fn(FILE *out, const void *what);

static void assert_prints(print_fn *print, const void *what, const char *expected)
{
	sn_auto_free char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	print(out, what);
	fclose(out);
	assert_string_equal(text, expected);
}

static void print_whole(FILE *out, const void *what)
{
	message_print(out, what, 0);
}

static void print_line(FILE *out, const void *what)
{
	message_print_line(out, what, 0);
}

static void print_cut(FILE *out, const void *what)
{
	message_print_line(out, what, 20);
}

static void print_quoted(FILE *out, const void *what)
{
	text_print_quoted(out, what);
}

static void an_image_reads_like_this(void **state)
{
	sample_auto Sn__Image *image = sample_image();

	(void)state;
	assert_prints(print_whole, image,
		      "format: 1\n"
		      "host: release \"6.1.0\"\n"
		      "tasks[4711]:\n"
		      "  mappings[0x1000]: end 0x3000, type anon, prot 0x3\n"
		      "  mappings[0x4000]: end 0x5000, type file, prot 0x3, path \"/bin/true\"\n"
		      "  threads[4711]:\n"
		      "    registers: rip 0x1\n"
		      "    name: name \"worker\"\n"
		      "  threads[4712]:\n"
		      "    registers: rip 0x2\n"
		      "    name: name \"worker\"\n"
		      "files[3]:\n"
		      "  flags: 0x2\n"
		      "  regular: path \"/tmp/log\", pos_bytes 42\n");
}

static void what_does_not_fit_on_a_line_takes_many(void **state)
{
	Sn__Registers registers = SN__REGISTERS__INIT;
	Sn__Thread thread = SN__THREAD__INIT;

	(void)state;
	thread.registers = &registers;
	registers.r15 = registers.r14 = registers.r13 = registers.r12 = 0xffffffffffff0000;
	assert_prints(print_whole, &thread,
		      "registers:\n"
		      "  r15: 0xffffffffffff0000\n"
		      "  r14: 0xffffffffffff0000\n"
		      "  r13: 0xffffffffffff0000\n"
		      "  r12: 0xffffffffffff0000\n");
}

static void an_empty_message_is_a_dash(void **state)
{
	Sn__Oom oom = SN__OOM__INIT;
	Sn__Task task = SN__TASK__INIT;

	(void)state;
	task.oom = &oom;
	assert_prints(print_whole, &task, "oom: -\n");
	assert_prints(print_line, &oom, "-");
	assert_prints(print_line, &task, "oom {-}");
}

static void numbers_by_their_type(void **state)
{
	Sn__PosixTimer timer = SN__POSIX_TIMER__INIT;

	(void)state;
	timer.id = -1;
	timer.signal = 4000000000u;
	timer.value = 0xdeadbeefcafe;
	timer.value_ns = UINT64_MAX;
	assert_prints(print_line, &timer,
		      "id -1, signal 4000000000, value 0xdeadbeefcafe, "
		      "value_ns 18446744073709551615");
}

static void bytes_are_short_or_hashed(void **state)
{
	uint8_t data[17] = {1, 0, 0xab};
	Sn__SocketOption option = SN__SOCKET_OPTION__INIT;
	sn_auto_free char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	option.value.data = data;
	option.value.len = 3;
	assert_prints(print_line, &option, "value 3 bytes 0100ab");
	option.value.len = 17;
	message_print_line(out, &option.base, 0);
	fclose(out);
	assert_int_equal(strncmp(text, "value 17 bytes #", 16), 0);
	assert_int_equal(len, 16 + 8);
}

static void enums_by_name_and_by_number(void **state)
{
	Sn__UnixSocket socket = SN__UNIX_SOCKET__INIT;
	Sn__MemoryObject object = SN__MEMORY_OBJECT__INIT;

	(void)state;
	socket.state = SN__UNIX_SOCKET__STATE__LISTENING;
	assert_prints(print_line, &socket, "state listening");
	socket.state = (Sn__UnixSocket__State)9;
	assert_prints(print_line, &socket, "state 9");
	assert_prints(print_line, &object, "type anon");
}

/* Only what ends with an underscore is a prefix, and a single name has none. */
static void the_prefix_of_enums_is_made_of_words(void **state)
{
	static const ProtobufCEnumValue values[] = {
		{"TASK_STATE_STOP", NULL, 0},
		{"TASK_STATE_STUCK", NULL, 1},
	};
	static const ProtobufCIntRange ranges[] = {{0, 0}, {0, 2}};
	ProtobufCEnumDescriptor type = {
		.magic = PROTOBUF_C__ENUM_DESCRIPTOR_MAGIC,
		.n_values = 2,
		.values = values,
		.n_value_ranges = 1,
		.value_ranges = ranges,
	};
	sn_auto_free char *stuck = enum_name(&type, 1), *none = enum_name(&type, 2), *alone = NULL;

	(void)state;
	assert_string_equal(stuck, "stuck");
	assert_null(none);
	type.n_values = 1;
	alone = enum_name(&type, 0);
	assert_string_equal(alone, "task_state_stop");
}

static void a_long_line_is_cut_between_characters(void **state)
{
	Sn__ThreadName name = SN__THREAD_NAME__INIT;

	(void)state;
	name.name = (char *)"0123456789ab\xc3\xa4xyz"; /* `name "` and 12: 18, then 2 */
	assert_prints(print_cut, &name, "name \"0123456789ab\xc3\xa4...");
	name.name = (char *)"0123456789abc\xc3\xa4xyz";
	assert_prints(print_cut, &name, "name \"0123456789abc...");
	name.name = (char *)"0123456789abc";
	assert_prints(print_cut, &name, "name \"0123456789abc\"");
}

static void no_terminal_is_driven_by_a_name(void **state)
{
	(void)state;
	assert_prints(print_quoted, "a\tb\nc\x1b[2J\"\\\x7f", "\"a\\tb\\nc\\x1b[2J\\\"\\\\\\x7f\"");
	assert_prints(print_quoted, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
		      "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
	/* A C1 control, an overlong slash, a surrogate, beyond Unicode, cut short. */
	assert_prints(print_quoted, "\xc2\x9b", "\"\\xc2\\x9b\"");
	assert_prints(print_quoted, "\xc0\xaf", "\"\\xc0\\xaf\"");
	assert_prints(print_quoted, "\xed\xa0\x80", "\"\\xed\\xa0\\x80\"");
	assert_prints(print_quoted, "\xf4\x90\x80\x80", "\"\\xf4\\x90\\x80\\x80\"");
	assert_prints(print_quoted, "\xe2\x82", "\"\\xe2\\x82\"");
}

static void keys_of_lists(void **state)
{
	(void)state;
	assert_string_equal(field_key(&sn__task__descriptor)->name, "pid");
	assert_string_equal(field_key(&sn__posix_timer__descriptor)->name, "id");
	assert_string_equal(field_key(&sn__mapping__descriptor)->name, "start");
	assert_string_equal(field_key(&sn__inotify_watch__descriptor)->name, "wd");
	assert_null(field_key(&sn__limit__descriptor));
	assert_null(field_key(&sn__file_lock__descriptor));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_reads_like_this),
		cmocka_unit_test(what_does_not_fit_on_a_line_takes_many),
		cmocka_unit_test(an_empty_message_is_a_dash),
		cmocka_unit_test(numbers_by_their_type),
		cmocka_unit_test(bytes_are_short_or_hashed),
		cmocka_unit_test(enums_by_name_and_by_number),
		cmocka_unit_test(the_prefix_of_enums_is_made_of_words),
		cmocka_unit_test(a_long_line_is_cut_between_characters),
		cmocka_unit_test(no_terminal_is_driven_by_a_name),
		cmocka_unit_test(keys_of_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
