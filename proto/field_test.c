// SPDX-License-Identifier: Apache-2.0
#include "proto/field.h"

#include "core/base/guard.h"
#include "proto/sample_test.h"

enum {
	ROUNDS = 300,
	TASK_LIMITS = 25,
	FILE_REGULAR = 10,
	FILE_PIPE = 11,
};

static void null_is_not_a_message_of_defaults(void **state)
{
	Sn__Oom oom = SN__OOM__INIT;
	Sn__Task none = SN__TASK__INIT, empty = SN__TASK__INIT;

	(void)state;
	empty.oom = &oom;
	assert_true(message_equal(NULL, NULL));
	assert_false(message_equal(&oom.base, NULL));
	assert_false(message_equal(NULL, &oom.base));
	assert_false(message_equal(&none.base, &empty.base));
	assert_false(message_equal(&empty.base, &none.base));
	none.oom = &oom;
	assert_true(message_equal(&none.base, &empty.base));
}

static void a_null_string_is_an_empty_one(void **state)
{
	Sn__FileSystem a = SN__FILE_SYSTEM__INIT, b = SN__FILE_SYSTEM__INIT;

	(void)state;
	a.cwd = NULL;
	assert_true(message_equal(&a.base, &b.base));
	b.cwd = (char *)"/";
	assert_false(message_equal(&a.base, &b.base));
}

static void bytes_differ_in_length_or_in_content(void **state)
{
	uint8_t left[] = {1, 2, 3}, right[] = {1, 2, 4};
	Sn__SocketOption a = SN__SOCKET_OPTION__INIT, b = SN__SOCKET_OPTION__INIT;

	(void)state;
	a.value = (ProtobufCBinaryData){2, left};
	b.value = (ProtobufCBinaryData){2, right};
	assert_true(message_equal(&a.base, &b.base));
	b.value.len = 1;
	assert_false(message_equal(&a.base, &b.base));
	assert_false(message_equal(&b.base, &a.base));
	a.value.len = b.value.len = 3;
	assert_false(message_equal(&a.base, &b.base));
	a.value = (ProtobufCBinaryData){0, left};
	b.value = (ProtobufCBinaryData){0, NULL};
	assert_true(message_equal(&a.base, &b.base));
}

static void messages_of_two_types_differ(void **state)
{
	Sn__Oom oom = SN__OOM__INIT;
	Sn__ParentDeath death = SN__PARENT_DEATH__INIT;

	(void)state;
	assert_false(message_equal(&oom.base, &death.base));
}

static void a_copy_is_equal_and_apart(void **state)
{
	struct rng rng = {1};

	(void)state;
	assert_null(message_copy(NULL));
	for (int round = 0; round < ROUNDS; round++) {
		sample_auto Sn__Image *image = sample_random_image(&rng);
		sample_auto Sn__Image *copy = message_copy(&image->base);

		assert_ptr_not_equal(image, copy);
		assert_true(message_equal(&image->base, &copy->base));
		copy->format++;
		assert_false(message_equal(&image->base, &copy->base));
		copy->format--;
		if (!copy->n_tasks)
			continue;
		copy->tasks[copy->n_tasks - 1]->start_ticks ^= UINT64_C(1) << 63;
		assert_false(message_equal(&image->base, &copy->base));
	}
}

static void submessages_come_and_go_by_number(void **state)
{
	Sn__Task *task = message_new(&sn__task__descriptor);
	Sn__Limits *limits = message_new(&sn__limits__descriptor);
	ProtobufCMessage *taken;

	(void)state;
	assert_null(message_get(&task->base, TASK_LIMITS));
	assert_null(message_take(&task->base, TASK_LIMITS));
	message_set(&task->base, TASK_LIMITS, &limits->base);
	assert_ptr_equal(task->limits, limits);
	assert_ptr_equal(message_get(&task->base, TASK_LIMITS), limits);
	taken = message_take(&task->base, TASK_LIMITS);
	assert_ptr_equal(taken, limits);
	assert_null(task->limits);
	message_set(&task->base, TASK_LIMITS, taken);
	/* Replacing frees the old one: seen by the sanitized build. */
	message_set(&task->base, TASK_LIMITS, message_new(&sn__limits__descriptor));
	message_set(&task->base, TASK_LIMITS, NULL);
	assert_null(task->limits);
	sn__task__free_unpacked(task, NULL);
}

static void a_oneof_has_one_member(void **state)
{
	Sn__OpenFile *file = message_new(&sn__open_file__descriptor);
	Sn__Pipe *pipe = message_new(&sn__pipe__descriptor);
	ProtobufCMessage *taken;

	(void)state;
	assert_null(message_get(&file->base, FILE_PIPE));
	message_set(&file->base, FILE_REGULAR, message_new(&sn__regular_file__descriptor));
	assert_null(message_get(&file->base, FILE_PIPE));
	message_set(&file->base, FILE_PIPE, &pipe->base);
	assert_int_equal(file->object_case, SN__OPEN_FILE__OBJECT_PIPE);
	assert_null(message_get(&file->base, FILE_REGULAR));
	taken = message_take(&file->base, FILE_PIPE);
	assert_ptr_equal(taken, pipe);
	assert_int_equal(file->object_case, SN__OPEN_FILE__OBJECT__NOT_SET);
	message_set(&file->base, FILE_PIPE, taken);
	message_set(&file->base, FILE_REGULAR, NULL);
	assert_int_equal(file->object_case, SN__OPEN_FILE__OBJECT__NOT_SET);
	sn__open_file__free_unpacked(file, NULL);
}

static void elements_are_appended_in_order(void **state)
{
	Sn__Task *task = message_new(&sn__task__descriptor);

	(void)state;
	for (uint32_t tid = 1; tid <= 100; tid++)
		sample_thread(task, tid, 0);
	assert_int_equal(task->n_threads, 100);
	for (uint32_t tid = 1; tid <= 100; tid++)
		assert_int_equal(task->threads[tid - 1]->tid, tid);
	sn__task__free_unpacked(task, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(null_is_not_a_message_of_defaults),
		cmocka_unit_test(a_null_string_is_an_empty_one),
		cmocka_unit_test(bytes_differ_in_length_or_in_content),
		cmocka_unit_test(messages_of_two_types_differ),
		cmocka_unit_test(a_copy_is_equal_and_apart),
		cmocka_unit_test(submessages_come_and_go_by_number),
		cmocka_unit_test(a_oneof_has_one_member),
		cmocka_unit_test(elements_are_appended_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
