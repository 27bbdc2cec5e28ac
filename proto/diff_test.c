// SPDX-License-Identifier: Apache-2.0
#include "proto/diff.h"

#include "core/base/guard.h"
#include "proto/sample_test.h"

enum {
	ROUNDS = 500,
};

struct seen {
	char text[8192]; /* one line a difference */
	size_t stop_after; /* 0: never */
	size_t count;
};

static int see(void *arg, const struct diff_entry *entry)
{
	struct seen *seen = arg;
	size_t used = strlen(seen->text);

	if (entry->what == DIFF_CHANGED)
		snprintf(seen->text + used, sizeof(seen->text) - used, "%s: %s -> %s\n",
			 entry->path, entry->have, entry->want);
	else
		snprintf(seen->text + used, sizeof(seen->text) - used, "%s: %s %s\n", entry->path,
			 entry->what == DIFF_ADDED ? "added" : "removed",
			 entry->what == DIFF_ADDED ? entry->want : entry->have);
	assert_int_equal(entry->what == DIFF_ADDED, entry->have == NULL);
	assert_int_equal(entry->what == DIFF_REMOVED, entry->want == NULL);
	assert_non_null(protobuf_c_message_descriptor_get_field(entry->owner->descriptor,
								entry->field->id));
	return ++seen->count == seen->stop_after;
}

static void assert_diff(const Sn__Image *have, const Sn__Image *want, size_t count,
			const char *text)
{
	struct seen seen = {0};

	assert_int_equal(message_diff(&have->base, &want->base, see, &seen), count);
	assert_string_equal(seen.text, text);
	assert_int_equal(message_diff(&have->base, &want->base, NULL, NULL), count > 0);
}

static void swap_threads(Sn__Task *task)
{
	Sn__Thread *first = task->threads[0];

	task->threads[0] = task->threads[1];
	task->threads[1] = first;
}

static void a_changed_value_has_a_path(void **state)
{
	sample_auto Sn__Image *have = sample_image(), *want = sample_image();

	(void)state;
	assert_diff(have, want, 0, "");
	want->tasks[0]->threads[1]->registers->rip = 0x7f;
	want->files[0]->regular->pos_bytes = 43;
	want->tasks[0]->mappings[1]->type = SN__MAPPING_TYPE__MAPPING_OBJECT;
	assert_diff(have, want, 3,
		    "tasks[4711].mappings[0x4000].type: file -> object\n"
		    "tasks[4711].threads[4712].registers.rip: 0x2 -> 0x7f\n"
		    "files[3].regular.pos_bytes: 42 -> 43\n");
}

static void elements_are_matched_by_key(void **state)
{
	sample_auto Sn__Image *have = sample_image(), *want = sample_image();
	Sn__Task *task = want->tasks[0];

	(void)state;
	swap_threads(task);
	assert_diff(have, want, 0, "");
	task->threads[0]->tid = 4713;
	assert_diff(have, want, 2,
		    "tasks[4711].threads[4712]: removed "
		    "tid 4712, registers {rip 0x2}, name {name \"worker\"}\n"
		    "tasks[4711].threads[4713]: added "
		    "tid 4713, registers {rip 0x2}, name {name \"worker\"}\n");
}

static void the_first_element_gone_is_one_difference(void **state)
{
	sample_auto Sn__Image *have = sample_image(), *want = sample_image();
	Sn__Task *task = want->tasks[0];

	(void)state;
	sn__mapping__free_unpacked(task->mappings[0], NULL);
	task->mappings[0] = task->mappings[--task->n_mappings];
	assert_diff(have, want, 1,
		    "tasks[4711].mappings[0x1000]: removed "
		    "start 0x1000, end 0x3000, type anon, prot 0x3\n");
	assert_diff(want, have, 1,
		    "tasks[4711].mappings[0x1000]: added "
		    "start 0x1000, end 0x3000, type anon, prot 0x3\n");
}

static void elements_with_one_key_are_matched_in_order(void **state)
{
	sample_auto Sn__Image *have = sample_image(), *want = sample_image();

	(void)state;
	for (int i = 0; i < 2; i++) {
		have->tasks[0]->threads[i]->tid = 7;
		want->tasks[0]->threads[i]->tid = 7;
	}
	assert_diff(have, want, 0, "");
	swap_threads(want->tasks[0]);
	assert_diff(have, want, 2,
		    "tasks[4711].threads[7].registers.rip: 0x1 -> 0x2\n"
		    "tasks[4711].threads[7].registers.rip: 0x2 -> 0x1\n");
	sn__thread__free_unpacked(want->tasks[0]->threads[1], NULL);
	want->tasks[0]->n_threads = 1;
	want->tasks[0]->threads[0]->registers->rip = 0x1;
	assert_diff(have, want, 1,
		    "tasks[4711].threads[7]: removed "
		    "tid 7, registers {rip 0x2}, name {name \"worker\"}\n");
}

static void absent_is_not_empty(void **state)
{
	sample_auto Sn__Image *have = sample_image(), *want = sample_image();

	(void)state;
	want->tasks[0]->oom = message_new(&sn__oom__descriptor);
	assert_diff(have, want, 1, "tasks[4711].oom: added -\n");
	assert_diff(want, have, 1, "tasks[4711].oom: removed -\n");
}

static void a_oneof_that_changes_is_told_twice(void **state)
{
	sample_auto Sn__Image *have = sample_image(), *want = sample_image();
	Sn__EventFd *eventfd = message_new(&sn__event_fd__descriptor);

	(void)state;
	eventfd->count = 5;
	message_set(&want->files[0]->base, 15, &eventfd->base);
	assert_diff(have, want, 2,
		    "files[3].regular: removed path \"/tmp/log\", pos_bytes 42\n"
		    "files[3].eventfd: added count 5\n");
}

static void long_bytes_that_differ_read_differently(void **state)
{
	sample_auto Sn__Image *have = sample_image(), *want = sample_image();
	ProtobufCBinaryData *left = &have->tasks[0]->threads[0]->registers->xstate;
	ProtobufCBinaryData *right = &want->tasks[0]->threads[0]->registers->xstate;
	struct seen seen = {0};
	char *arrow;

	(void)state;
	left->len = right->len = 512;
	left->data = sn_calloc(512, 1);
	right->data = sn_calloc(512, 1);
	assert_diff(have, want, 0, "");
	right->data[500] = 1;
	assert_int_equal(message_diff(&have->base, &want->base, see, &seen), 1);
	arrow = strstr(seen.text, " -> ");
	assert_non_null(arrow);
	assert_non_null(strstr(seen.text, "xstate: 512 bytes #"));
	assert_int_not_equal(strncmp(arrow - 8, arrow + strlen(" -> 512 bytes #"), 8), 0);
}

static void lists_of_numbers_are_matched_by_index(void **state)
{
	uint32_t few[] = {1, 2}, many[] = {1, 3, 4};
	Sn__Credentials have = SN__CREDENTIALS__INIT, want = SN__CREDENTIALS__INIT;
	struct seen seen = {0};

	(void)state;
	have.groups = few;
	have.n_groups = 2;
	want.groups = many;
	want.n_groups = 3;
	assert_int_equal(message_diff(&have.base, &want.base, see, &seen), 2);
	assert_string_equal(seen.text, "groups[1]: 2 -> 3\ngroups[2]: added 4\n");
}

static void the_callback_ends_the_walk(void **state)
{
	sample_auto Sn__Image *have = sample_image(), *want = sample_image();
	struct seen seen = {.stop_after = 1};

	(void)state;
	want->format = 2;
	want->tasks[0]->sid = 3;
	assert_int_equal(message_diff(&have->base, &want->base, see, &seen), 1);
	assert_string_equal(seen.text, "format: 1 -> 2\n");
}

/* One change at a random place is exactly one difference, and undone it is none. */
static void random_images(void **state)
{
	struct rng rng = {5};

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		sample_auto Sn__Image *have = sample_random_image(&rng);
		sample_auto Sn__Image *want = message_copy(&have->base);
		struct seen seen = {0};
		Sn__Task *task;

		assert_int_equal(message_diff(&have->base, &want->base, see, &seen), 0);
		if (!want->n_tasks)
			continue;
		task = want->tasks[rng_below(&rng, want->n_tasks)];
		task->start_ticks ^= UINT64_C(1) << rng_below(&rng, 64);
		assert_int_equal(message_diff(&have->base, &want->base, see, &seen), 1);
		assert_non_null(strstr(seen.text, ".start_ticks: "));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_changed_value_has_a_path),
		cmocka_unit_test(elements_are_matched_by_key),
		cmocka_unit_test(the_first_element_gone_is_one_difference),
		cmocka_unit_test(elements_with_one_key_are_matched_in_order),
		cmocka_unit_test(absent_is_not_empty),
		cmocka_unit_test(a_oneof_that_changes_is_told_twice),
		cmocka_unit_test(long_bytes_that_differ_read_differently),
		cmocka_unit_test(lists_of_numbers_are_matched_by_index),
		cmocka_unit_test(the_callback_ends_the_walk),
		cmocka_unit_test(random_images),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
