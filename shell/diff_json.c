// SPDX-License-Identifier: Apache-2.0
/* What a compare lists, as JSON. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/diff.h"
#include "shell/wire.h"

static json_t *text_or_null(const char *text)
{
	return text ? json_text(text) : json_null();
}

json_t *diff_json_memory(struct compare *compare)
{
	struct memory_change *list;
	json_t *rows = json_array();
	size_t count;

	compare_memory(compare, &list, &count);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(rows, json_pack("{s:o, s:o, s:o, s:I, s:I}", "where",
						      json_text(list[i].where), "from_address",
						      wire_address(list[i].from), "to_address",
						      wire_address(list[i].to), "pages",
						      (json_int_t)list[i].pages, "bytes",
						      (json_int_t)list[i].bytes));
	memory_changes_free(list, count);
	return rows;
}

json_t *diff_json_mappings(struct compare *compare)
{
	static const char *const names[] = {
		[MAPPING_CAME] = "came",
		[MAPPING_WENT] = "went",
		[MAPPING_REPLACED] = "replaced",
		[MAPPING_PROTECTED] = "protected",
	};
	struct mapping_change *list;
	json_t *rows = json_array();
	size_t count;

	compare_mappings(compare, &list, &count);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(rows, json_pack("{s:s, s:o, s:o, s:o, s:o}", "what",
						      names[list[i].what], "start",
						      wire_address(list[i].start), "end",
						      wire_address(list[i].end), "from",
						      text_or_null(list[i].from), "to",
						      text_or_null(list[i].to)));
	mapping_changes_free(list, count);
	return rows;
}

json_t *diff_json_changes(const struct value_changes *changes)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < changes->count; i++)
		json_array_append_new(rows, json_pack("{s:o, s:o, s:o}", "name",
						      json_text(changes->list[i].name), "from",
						      json_text(changes->list[i].from), "to",
						      json_text(changes->list[i].to)));
	return rows;
}

json_t *diff_json_variables(struct compare *compare, size_t max, struct sn_err *err)
{
	struct variable_change *list;
	json_t *rows = json_array();
	size_t count;

	if (compare_variables(compare, max, &list, &count, err) < 0) {
		json_decref(rows);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		const struct variable_change *v = &list[i];
		json_t *row = json_pack("{s:o, s:o, s:o, s:o, s:I, s:o, s:I}", "name",
					json_text(v->name), "type", text_or_null(v->type), "module",
					text_or_null(v->module), "address",
					wire_address(v->address), "size", (json_int_t)v->size,
					"changes", diff_json_changes(&v->changes), "more",
					(json_int_t)v->changes.more);

		if (v->thread)
			json_object_set_new(row, "thread", json_integer((json_int_t)v->thread));
		json_array_append_new(rows, row);
	}
	variable_changes_free(list, count);
	return rows;
}

/* ---- threads ---- */

static void set_thread(json_t *row, const struct inspect *in, size_t at)
{
	const Sn__Thread *thread = inspect_thread(in, at);

	json_object_set_new(row, "thread", json_integer((json_int_t)at + 1));
	json_object_set_new(row, "tid", json_integer(thread->tid));
	json_object_set_new(row, "name", json_text(thread->name ? thread->name->name : ""));
}

json_t *diff_json_threads(struct compare *compare, const struct inspect *from,
			  const struct inspect *to, struct sn_err *err)
{
	struct thread_change *list;
	json_t *rows = json_array();
	size_t count;

	if (compare_threads(compare, &list, &count, err) < 0) {
		json_decref(rows);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		const struct thread_change *t = &list[i];
		const char *what = !t->has_from ? "added" : !t->has_to ? "removed" : "changed";
		json_t *row = json_pack("{s:s, s:o, s:o, s:o}", "what", what, "from",
					text_or_null(t->from_place), "to",
					text_or_null(t->to_place), "registers",
					text_or_null(t->registers));

		set_thread(row, t->has_from ? from : to, t->has_from ? t->from : t->to);
		json_array_append_new(rows, row);
	}
	thread_changes_free(list, count);
	return rows;
}

/* ---- stacks ---- */

static json_t *frame_json(const struct frame_change *frame)
{
	static const char *const names[] = {
		[FRAME_CHANGED] = "changed",
		[FRAME_GONE] = "removed",
		[FRAME_NEW] = "added",
	};

	return json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:I}", "what", names[frame->what],
			 "from_level", (json_int_t)frame->from_level, "to_level",
			 (json_int_t)frame->to_level, "from", text_or_null(frame->from), "to",
			 text_or_null(frame->to), "locals", diff_json_changes(&frame->locals),
			 "more", (json_int_t)frame->locals.more);
}

json_t *diff_json_frames(struct compare *compare, const struct inspect *from, size_t max,
			 struct sn_err *err)
{
	struct stack_change *list;
	json_t *rows = json_array();
	size_t count;

	if (compare_stacks(compare, max, &list, &count, err) < 0) {
		json_decref(rows);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		json_t *frames = json_array(), *row;

		for (size_t k = 0; k < list[i].count; k++)
			json_array_append_new(frames, frame_json(&list[i].frames[k]));
		row = json_pack("{s:o, s:o, s:I, s:I, s:I}", "same", text_or_null(list[i].anchor),
				"frames", frames, "more_changed", (json_int_t)list[i].more_changed,
				"more_removed", (json_int_t)list[i].more_gone, "more_added",
				(json_int_t)list[i].more_new);
		set_thread(row, from, list[i].from);
		json_array_append_new(rows, row);
	}
	stack_changes_free(list, count);
	return rows;
}

/* ---- the rest ---- */

json_t *diff_json_structure(const Sn__Image *from, const Sn__Image *to, bool moved,
			    bool (*wanted)(const void *arg, enum diff_section section),
			    const void *arg)
{
	struct structure_change *list;
	json_t *rows = json_array();
	size_t count;

	diff_structure(from, to, moved, &list, &count);
	for (size_t i = 0; i < count; i++) {
		if (!wanted(arg, list[i].section))
			continue;
		json_array_append_new(rows, json_pack("{s:s, s:o, s:o, s:o}", "section",
						      diff_section_name(list[i].section), "name",
						      json_text(list[i].name), "from",
						      text_or_null(list[i].from), "to",
						      text_or_null(list[i].to)));
	}
	structure_changes_free(list, count);
	return rows;
}

void diff_json_row(void *arg, const struct dump_row *row)
{
	json_t *object = json_pack("{s:o, s:o}", "from_address", wire_address(row->from_addr),
				   "to_address", wire_address(row->to_addr));

	json_object_set_new(object, "from",
			    row->has_from ? wire_bytes(row->from, sizeof(row->from)) : json_null());
	json_object_set_new(object, "to",
			    row->has_to ? wire_bytes(row->to, sizeof(row->to)) : json_null());
	json_array_append_new(arg, object);
}
