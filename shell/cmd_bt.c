// SPDX-License-Identifier: Apache-2.0
/* Stacks, in gdb's words: bt [full] [COUNT], thread apply all bt. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/bt.h"
#include "shell/commands.h"
#include "shell/wire.h"

/* "full", and a count: 5 the innermost, -5 the outermost. */
static int parse_words(const char *text, struct bt_options *options, struct sn_err *err)
{
	*options = (struct bt_options){0};
	while (*text) {
		size_t len = strcspn(text, " \t");
		char *end;
		long count;

		if ((len == 4 && strncmp(text, "full", 4) == 0) ||
		    (len == 5 && strncmp(text, "-full", 5) == 0)) {
			options->full = true;
		} else if (len) {
			count = strtol(text, &end, 10);
			if (end != text + len || options->has_count)
				return sn_fail(err, "\"%s\" is not how many frames", text);
			options->has_count = true;
			options->count = count;
		}
		text += len + strspn(text + len, " \t");
	}
	return 0;
}

json_t *bt_variables(const struct named_text *list, size_t count)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *row = json_pack("{s:o, s:o}", "name", json_text(list[i].name), "value",
					json_text(list[i].value));

		if (list[i].entry)
			json_object_set_new(row, "entry", json_text(list[i].entry));
		json_array_append_new(rows, row);
	}
	return rows;
}

json_t *bt_frame(struct looking *looking, struct spot spot, struct sn_err *err)
{
	struct frame_words words;
	json_t *row;

	if (inspect_frame(looking->in, spot, &words, err) < 0)
		return NULL;
	row = json_pack("{s:I, s:o, s:b, s:b, s:s?, s:s?, s:i, s:s?}", "level",
			(json_int_t)spot.frame, "pc", wire_address(words.pc), "show_pc",
			words.show_pc, "signal", words.signal, "function", words.function, "file",
			words.file, "line", words.line, "module", words.module);
	if (words.has_args)
		json_object_set_new(row, "args", bt_variables(words.args, words.arg_count));
	frame_words_release(&words);
	return row;
}

/* What cannot be known of them is no key. */
static void add_locals(struct looking *looking, struct spot spot, json_t *row)
{
	struct named_text *list = NULL;
	size_t count = 0;
	struct sn_err why;

	if (inspect_variables(looking->in, spot, false, &list, &count, &why) < 0)
		json_object_set_new(row, "no_locals", json_string(why.text));
	else
		json_object_set_new(row, "locals", bt_variables(list, count));
	named_text_free(list, count);
}

static int frames_json(struct looking *looking, size_t thread, const struct bt_options *options,
		       json_t *rows, struct sn_err *err)
{
	size_t count, first = 0, last;

	if (inspect_frames(looking->in, thread, &count, err) < 0)
		return -1;
	last = count;
	if (options->has_count && options->count >= 0 && (size_t)options->count < count)
		last = (size_t)options->count;
	if (options->has_count && options->count < 0 && (size_t)-options->count < count)
		first = count - (size_t)-options->count;
	for (size_t i = first; i < last; i++) {
		struct spot spot = {thread, i};
		json_t *row = bt_frame(looking, spot, err);

		if (!row)
			return -1;
		if (options->full)
			add_locals(looking, spot, row);
		json_array_append_new(rows, row);
	}
	if (last < count)
		json_array_append_new(rows, json_pack("{s:b}", "more", true));
	return 0;
}

json_t *bt_json(struct looking *looking, size_t thread, const char *words, struct sn_err *err)
{
	sn_auto_free char *title = inspect_thread_title(looking->in, thread);
	json_t *rows = json_array();
	struct bt_options options;

	if (parse_words(words, &options, err) < 0 ||
	    frames_json(looking, thread, &options, rows, err) < 0) {
		json_decref(rows);
		return NULL;
	}
	return json_pack("{s:I, s:I, s:s, s:o}", "thread", (json_int_t)thread + 1, "tid",
			 (json_int_t)inspect_thread(looking->in, thread)->tid, "title", title,
			 "frames", rows);
}

int cmd_bt(struct request *rq, struct sn_err *err)
{
	sn_auto_free char *words = looking_text(rq);
	struct spot spot;
	struct looking *looking = looking_get(rq, &spot, err);

	if (!looking)
		return -1;
	rq->result = bt_json(looking, spot.thread, words, err);
	return rq->result ? 0 : -1;
}

/* "sig=sig@entry=10": what it is, and what it was, where that is known. */
void bt_render_args(FILE *out, const json_t *args)
{
	const json_t *arg;
	size_t i;

	json_array_foreach(args, i, arg) {
		const char *name = wire_string(arg, "name"), *value = wire_string(arg, "value");
		const char *entry = wire_string(arg, "entry");

		fprintf(out, "%s%s=", i ? ", " : "", name);
		if (!entry)
			fputs(value, out);
		else if (strcmp(entry, value) == 0)
			fprintf(out, "%s@entry=%s", name, value);
		else
			fprintf(out, "%s, %s@entry=%s", value, name, entry);
	}
}

static void render_locals(FILE *out, const json_t *row)
{
	const json_t *locals = json_object_get(row, "locals"), *local;
	const char *why = wire_string(row, "no_locals");
	size_t i;

	if (why)
		fprintf(out, "%s\n", why);
	if (locals && json_array_size(locals) == 0)
		fputs("No locals.\n", out);
	json_array_foreach(locals, i, local)
		fprintf(out, "        %s = %s\n", wire_string(local, "name"),
			wire_string(local, "value"));
}

void bt_render_place(FILE *out, const json_t *row)
{
	const char *function = wire_string(row, "function"), *file = wire_string(row, "file");

	if (json_is_true(json_object_get(row, "signal"))) {
		fputs("<signal handler called>\n", out);
		return;
	}
	if (json_is_true(json_object_get(row, "show_pc")))
		fprintf(out, "0x%016llx in ", strtoull(wire_string(row, "pc"), NULL, 16));
	fprintf(out, "%s (", function ? function : "??");
	bt_render_args(out, json_object_get(row, "args"));
	fputc(')', out);
	if (file)
		fprintf(out, " at %s:%lld", file, wire_number(row, "line"));
	if (wire_string(row, "module"))
		fprintf(out, " from %s", wire_string(row, "module"));
	fputc('\n', out);
}

void bt_render_frame(FILE *out, const json_t *row)
{
	if (json_is_true(json_object_get(row, "more"))) {
		fputs("(More stack frames follow...)\n", out);
		return;
	}
	fprintf(out, "#%-2lld ", wire_number(row, "level"));
	bt_render_place(out, row);
	render_locals(out, row);
}

void bt_render_frames(FILE *out, const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
		bt_render_frame(out, row);
}

void render_bt(FILE *out, const struct request *rq)
{
	bt_render_frames(out, json_object_get(rq->result, "frames"));
}
