// SPDX-License-Identifier: Apache-2.0
#include "shell/commands.h"
#include "shell/help_text.h"
#include "shell/manual.h"
#include "shell/wire.h"

#include <string.h>

enum {
	WIDTH = 80,
	OPTION_COLUMN = 25, /* where the help of options begins */
};

int cmd_help(struct request *rq, struct sn_err *err)
{
	const char *name = request_word(rq, 0);

	if (request_option(rq, "man")) {
		rq->text = manual_commands();
		return 0;
	}
	if (name) {
		const struct command *command = command_meant(rq->shell, name, err);

		if (!command) {
			rq->status = STATUS_USAGE;
			return -1;
		}
		rq->result = command_describe(command);
		return 0;
	}
	rq->result = json_array();
	for (const struct command *c = command_table(); c->name; c++) {
		if (!(c->flags & COMMAND_HIDDEN))
			json_array_append_new(rq->result, command_describe(c));
	}
	return 0;
}

/* Words from the column on, in which the line already is; lines behind it begin at `column`. */
static void put_wrapped(FILE *out, const char *text, size_t column, size_t width)
{
	size_t at = column;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (at > column && at + 1 + len > width) {
			fprintf(out, "\n%*s", (int)column, "");
			at = column;
		} else if (at > column) {
			fputc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", (int)len, text);
		at += len;
		text += len + strspn(text + len, " ");
	}
	fputc('\n', out);
}

/* The next piece of a usage line: "[--tracker KIND]" is not torn at its blanks, and one that is
 * longer than `max` only behind a "|". */
static size_t usage_piece(const char *usage, size_t max)
{
	size_t depth = 0, len = 0, bar = 0;

	for (; usage[len] && (depth || usage[len] != ' '); len++) {
		depth += usage[len] == '[';
		depth -= depth && usage[len] == ']';
		if (usage[len] == '|' && len < max)
			bar = len + 1;
	}
	return len > max && bar ? bar : len;
}

static void put_usage(FILE *out, const char *usage, size_t width)
{
	const size_t column = strlen("usage: snapsh ");
	size_t at = column - 1;

	fputs("usage: snapsh", out);
	while (*usage) {
		size_t len = usage_piece(usage, width - column);

		if (at > column && at + 1 + len > width) {
			fprintf(out, "\n%*s", (int)column, "");
			at = column;
		} else {
			fputc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", (int)len, usage);
		at += len;
		usage += len + strspn(usage + len, " ");
	}
	fputc('\n', out);
}

static void put_examples(FILE *out, const char *lines)
{
	if (*lines)
		fputs("\nexamples:\n", out);
	while (*lines) {
		size_t len = strcspn(lines, "\n");

		fprintf(out, "  %.*s\n", (int)len, lines);
		lines += len + (lines[len] == '\n');
	}
}

static void put_options(FILE *out, const json_t *options, size_t width)
{
	const json_t *option;
	size_t i;

	fputs("\noptions:\n", out);
	json_array_foreach(options, i, option) {
		int used = fprintf(out, "  %-22s ", wire_string(option, "option"));

		if (used > OPTION_COLUMN)
			fprintf(out, "\n%*s", OPTION_COLUMN, "");
		put_wrapped(out, wire_string(option, "help"), OPTION_COLUMN, width);
	}
}

static void put_command(FILE *out, const json_t *described, size_t width)
{
	const char *aliases = wire_string(described, "aliases");
	const char *text = wire_string(described, "text");

	put_usage(out, wire_string(described, "usage"), width);
	fputc('\n', out);
	put_wrapped(out, wire_string(described, "help"), 0, width);
	if (*text) {
		fputs("\n  ", out);
		put_wrapped(out, text, 2, width);
	}
	if (json_is_true(json_object_get(described, "keeper")))
		fputs("\n  It asks the application's keeper.\n", out);
	if (json_is_true(json_object_get(described, "shell_only")))
		fputs("\n  In the shell only.\n", out);
	if (*aliases)
		fprintf(out, "\nalso: %s\n", aliases);
	put_options(out, json_object_get(described, "options"), width);
	put_examples(out, wire_string(described, "examples"));
	if (*wire_string(described, "see"))
		fprintf(out, "\nsee also: %s\n", wire_string(described, "see"));
}

static void put_group(FILE *out, const json_t *rows, const char *title, size_t width)
{
	const json_t *row;
	size_t i;

	fprintf(out, "\n%s\n", title);
	json_array_foreach(rows, i, row) {
		if (strcmp(wire_string(row, "group"), title) != 0)
			continue;
		fprintf(out, "  %-11s ", wire_string(row, "name"));
		put_wrapped(out, wire_string(row, "help"), 14, width);
	}
}

void render_help(FILE *out, const struct request *rq)
{
	size_t width = rq->screen.width < WIDTH ? rq->screen.width : WIDTH;

	if (!rq->result) {
		fputs(rq->text, out);
		return;
	}
	if (json_is_object(rq->result)) {
		put_command(out, rq->result, width);
		return;
	}
	fputs("usage: snapsh [-C CATALOG] [--json] COMMAND ...\n"
	      "       snapsh [-C CATALOG]            opens a shell for the same commands\n"
	      "       snapsh -f FILE | -e COMMANDS   runs a script of them\n",
	      out);
	for (int group = 0; group < HELP_GROUPS; group++)
		put_group(out, rq->result, help_group_title(group), width);
	fputs("\nREF is NAME@3, NAME@tag, NAME@latest, NAME@~2, or 3, latest, ~2 where the\n"
	      "application is clear. \"snapsh help COMMAND\" says more.\n",
	      out);
}
