// SPDX-License-Identifier: Apache-2.0
/* info locals, args, registers, threads, sharedlibrary, symbol, line, ...; src. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/bt.h"
#include "shell/commands.h"
#include "shell/info.h"
#include "shell/wire.h"

static int variables(struct info *info, bool parameters, struct sn_err *err)
{
	struct named_text *list = NULL;
	size_t count = 0, len;
	sn_auto_free char *text = NULL;
	FILE *out;

	if (inspect_variables(info->looking->in, info->spot, parameters, &list, &count, err) < 0)
		return -1;
	out = open_memstream(&text, &len);
	if (!out)
		abort();
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s = %s\n", list[i].name, list[i].value);
	if (!count)
		fputs(parameters ? "No arguments.\n" : "No locals.\n", out);
	fclose(out);
	info->result = json_pack("{s:o, s:o}", "variables", bt_variables(list, count), "text",
				 json_text(text));
	named_text_free(list, count);
	return 0;
}

static int info_locals(struct info *info, struct sn_err *err)
{
	return variables(info, false, err);
}

static int info_args(struct info *info, struct sn_err *err)
{
	return variables(info, true, err);
}

int info_take_text(struct info *info, int rc, char *text)
{
	if (rc < 0)
		return -1;
	info->result = json_pack("{s:o}", "text", json_text(text));
	free(text);
	return 0;
}

static int info_registers(struct info *info, struct sn_err *err)
{
	char *text;
	int rc = inspect_registers(info->looking->in, info->spot, info->words, &text, err);

	return info_take_text(info, rc, text);
}

static int info_all_registers(struct info *info, struct sn_err *err)
{
	char *text;
	int rc = inspect_registers(info->looking->in, info->spot,
				   *info->words ? info->words : "all", &text, err);

	return info_take_text(info, rc, text);
}

static int info_scope(struct info *info, struct sn_err *err)
{
	char *text;
	int rc = inspect_scope(info->looking->in, info->spot, info->words, &text, err);

	return info_take_text(info, rc, text);
}

static int info_symbol(struct info *info, struct sn_err *err)
{
	char *text;
	int rc = inspect_symbol(info->looking->in, info->spot, info->words, &text, err);

	return info_take_text(info, rc, text);
}

static int info_line(struct info *info, struct sn_err *err)
{
	char *text;
	int rc = inspect_line(info->looking->in, info->spot, info->words, &text, err);

	return info_take_text(info, rc, text);
}

static int info_sharedlibrary(struct info *info, struct sn_err *err)
{
	char *text;
	int rc = inspect_libraries(info->looking->in, &text, err);

	return info_take_text(info, rc, text);
}

static int info_files(struct info *info, struct sn_err *err)
{
	char *text;
	int rc = inspect_files(info->looking->in, &text, err);

	return info_take_text(info, rc, text);
}

static int info_source(struct info *info, struct sn_err *err)
{
	char *text;
	int rc = inspect_source_file(info->looking->in, info->spot, &text, err);

	return info_take_text(info, rc, text);
}

static int list_symbols(struct info *info, enum symbol_kind kind, struct sn_err *err)
{
	char *text;
	int rc = inspect_symbols(info->looking->in, kind, info->words, &text, err);

	return info_take_text(info, rc, text);
}

static int info_functions(struct info *info, struct sn_err *err)
{
	return list_symbols(info, SYMBOLS_FUNCTIONS, err);
}

static int info_types(struct info *info, struct sn_err *err)
{
	return list_symbols(info, SYMBOLS_TYPES, err);
}

static int info_variables(struct info *info, struct sn_err *err)
{
	return list_symbols(info, SYMBOLS_VARIABLES, err);
}

/* ---- threads ---- */

static json_t *thread_rows(struct info *info, size_t *width, struct sn_err *err)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < inspect_threads(info->looking->in); i++) {
		sn_auto_free char *title = inspect_thread_title(info->looking->in, i);
		struct spot spot = {i, 0};
		json_t *frame = bt_frame(info->looking, spot, err);
		const Sn__Thread *thread = inspect_thread(info->looking->in, i);

		if (!frame) {
			json_decref(rows);
			return NULL;
		}
		*width = strlen(title) > *width ? strlen(title) : *width;
		json_array_append_new(rows,
				      json_pack("{s:I, s:I, s:s, s:o, s:b, s:o}", "thread",
						(json_int_t)i + 1, "tid", (json_int_t)thread->tid,
						"title", title, "name",
						json_text(thread->name ? thread->name->name : ""),
						"current", i == info->spot.thread, "frame", frame));
	}
	return rows;
}

static int info_threads(struct info *info, struct sn_err *err)
{
	size_t width = strlen("Target Id"), len, i;
	json_t *rows = thread_rows(info, &width, err), *row;
	sn_auto_free char *text = NULL;
	FILE *out;

	if (!rows)
		return -1;
	out = open_memstream(&text, &len);
	if (!out)
		abort();
	fprintf(out, "  Id   %-*s Frame \n", (int)width, "Target Id");
	json_array_foreach(rows, i, row) {
		fprintf(out, "%c %-4lld %-*s ",
			json_is_true(json_object_get(row, "current")) ? '*' : ' ',
			wire_number(row, "thread"), (int)width, wire_string(row, "title"));
		bt_render_place(out, json_object_get(row, "frame"));
	}
	fclose(out);
	info->result = json_pack("{s:o, s:o}", "threads", rows, "text", json_text(text));
	return 0;
}

/* ---- the command ---- */

static const struct {
	const char *name;
	int (*run)(struct info *info, struct sn_err *err);
	bool alone; /* no words behind it */
} subcommands[] = {
	{"all-registers", info_all_registers, false},
	{"args", info_args, true},
	{"changed", info_changed, false},
	{"files", info_files, true},
	{"frame", info_frame, false},
	{"functions", info_functions, false},
	{"line", info_line, false},
	{"locals", info_locals, true},
	{"proc", info_proc, false},
	{"registers", info_registers, false},
	{"scope", info_scope, false},
	{"sharedlibrary", info_sharedlibrary, true},
	{"signals", info_signals, false},
	{"source", info_source, true},
	{"symbol", info_symbol, false},
	{"threads", info_threads, true},
	{"timers", info_timers, true},
	{"types", info_types, false},
	{"variables", info_variables, false},
};

int cmd_info(struct request *rq, struct sn_err *err)
{
	sn_auto_free char *words = looking_text(rq);
	size_t len = strcspn(words, " \t"), found = 0, fits = 0;
	struct info info = {.rq = rq, .words = words + len + strspn(words + len, " \t")};

	for (size_t i = 0; i < sn_countof(subcommands); i++) {
		if (len && strncmp(subcommands[i].name, words, len) == 0) {
			found = i;
			fits++;
		}
	}
	if (fits != 1)
		return request_usage(rq, err, "info %.*s: %s", (int)len, words,
				     fits ? "which of them?" : "there is no such information");
	if (subcommands[found].alone && *info.words)
		return request_usage(rq, err,
				     "info %s takes no words behind it, and options before it: "
				     "\"%s\"",
				     subcommands[found].name, info.words);
	info.looking = looking_get(rq, &info.spot, err);
	if (!info.looking || subcommands[found].run(&info, err) < 0)
		return -1;
	rq->result = info.result;
	return 0;
}

int cmd_src(struct request *rq, struct sn_err *err)
{
	sn_auto_free char *words = looking_text(rq), *text = NULL;
	struct spot spot;
	struct looking *looking = looking_get(rq, &spot, err);

	if (!looking || inspect_source(looking->in, spot, words, &text, err) < 0)
		return -1;
	rq->result = json_pack("{s:o}", "text", json_text(text));
	return 0;
}
