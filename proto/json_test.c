// SPDX-License-Identifier: Apache-2.0
#include "proto/json.h"

#include "core/base/guard.h"
#include "proto/sample_test.h"

enum {
	ROUNDS = 300,
};

static void assert_json(const void *message, const char *expected)
{
	json_t *json = message_json(message);
	sn_auto_free char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

	json_decref(json);
	assert_string_equal(text, expected);
}

static void scalars_are_always_there(void **state)
{
	Sn__PosixTimer timer = SN__POSIX_TIMER__INIT;

	(void)state;
	assert_json(NULL, "null");
	assert_json(&timer, "{\"id\":0,\"clock\":0,\"notify\":0,\"signal\":0,\"value\":\"0x0\","
			    "\"tid\":0,\"value_ns\":0,\"interval_ns\":0,\"overrun\":0}");
	timer.id = -7;
	timer.value = 0xffffffff00000000;
	timer.value_ns = INT64_MAX;
	timer.interval_ns = UINT64_MAX;
	timer.overrun = UINT32_MAX;
	assert_json(&timer, "{\"id\":-7,\"clock\":0,\"notify\":0,\"signal\":0,"
			    "\"value\":\"0xffffffff00000000\",\"tid\":0,"
			    "\"value_ns\":9223372036854775807,"
			    "\"interval_ns\":\"18446744073709551615\",\"overrun\":4294967295}");
}

static void submessages_only_when_there(void **state)
{
	Sn__EventFd eventfd = SN__EVENT_FD__INIT;
	Sn__OpenFile file = SN__OPEN_FILE__INIT;

	(void)state;
	assert_json(&file, "{\"id\":0,\"flags\":\"0x0\",\"dev\":0,\"ino\":0}");
	file.object_case = SN__OPEN_FILE__OBJECT_EVENTFD;
	file.eventfd = &eventfd;
	eventfd.semaphore = 1;
	assert_json(&file, "{\"id\":0,\"flags\":\"0x0\",\"dev\":0,\"ino\":0,"
			   "\"eventfd\":{\"count\":0,\"semaphore\":true}}");
}

static void lists_are_arrays(void **state)
{
	uint8_t data[] = {0, 0xff, 0x1a};
	ProtobufCBinaryData infos[] = {{3, data}, {0, NULL}};
	Sn__SignalQueue queue = SN__SIGNAL_QUEUE__INIT;

	(void)state;
	assert_json(&queue, "{\"siginfos\":[]}");
	queue.siginfos = infos;
	queue.n_siginfos = 2;
	assert_json(&queue, "{\"siginfos\":[\"00ff1a\",\"\"]}");
}

static void names_of_any_bytes(void **state)
{
	Sn__ThreadName name = SN__THREAD_NAME__INIT;

	(void)state;
	name.name = NULL;
	assert_json(&name, "{\"name\":\"\"}");
	name.name = (char *)"\xc3\xa4\xff\"\t";
	assert_json(&name, "{\"name\":\"\xc3\xa4\\\\xff\\\"\\t\"}");
}

static void enums_are_names(void **state)
{
	Sn__FileLock lock = SN__FILE_LOCK__INIT;

	(void)state;
	lock.type = SN__FILE_LOCK__TYPE__OFD;
	assert_json(&lock, "{\"type\":\"ofd\",\"write\":false,"
			   "\"start_bytes\":0,\"length_bytes\":0}");
	lock.type = (Sn__FileLock__Type)77;
	assert_json(&lock, "{\"type\":77,\"write\":false,"
			   "\"start_bytes\":0,\"length_bytes\":0}");
}

static void any_image_is_json_that_loads(void **state)
{
	struct rng rng = {6};

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		sample_auto Sn__Image *image = sample_random_image(&rng);
		json_t *json = message_json(&image->base), *back;
		sn_auto_free char *text = json_dumps(json, 0);

		assert_non_null(text);
		back = json_loads(text, 0, NULL);
		assert_non_null(back);
		assert_true(json_equal(json, back));
		assert_int_equal(json_array_size(json_object_get(back, "tasks")), image->n_tasks);
		json_decref(json);
		json_decref(back);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_are_always_there),
		cmocka_unit_test(submessages_only_when_there),
		cmocka_unit_test(lists_are_arrays),
		cmocka_unit_test(names_of_any_bytes),
		cmocka_unit_test(enums_are_names),
		cmocka_unit_test(any_image_is_json_that_loads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
