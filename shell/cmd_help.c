// SPDX-License-Identifier: Apache-2.0
#include "shell/commands.h"
#include "shell/wire.h"

int cmd_help(struct request *rq, struct sn_err *err)
{
	const char *name = request_word(rq, 0);

	if (name) {
		const struct command *command = command_find(name);

		if (!command)
			return request_usage(rq, err, "there is no command \"%s\"", name);
		rq->result = command_describe(command);
		return 0;
	}
	rq->result = json_array();
	for (const struct command *c = command_table(); c->name; c++) {
		if (c->flags & COMMAND_HIDDEN)
			continue;
		json_array_append_new(rq->result, command_describe(c));
	}
	return 0;
}

void help_render_command(FILE *out, const json_t *described)
{
	const json_t *option;
	size_t i;

	fprintf(out, "usage: snapsh %s\n\n%s\n", wire_string(described, "usage"),
		wire_string(described, "help"));
	if (json_is_true(json_object_get(described, "keeper")))
		fputs("(asks the application's keeper)\n", out);
	if (json_is_true(json_object_get(described, "shell_only")))
		fputs("(in the shell only)\n", out);
	if (*wire_string(described, "aliases"))
		fprintf(out, "also: %s\n", wire_string(described, "aliases"));
	fputc('\n', out);
	json_array_foreach(json_object_get(described, "options"), i, option)
		fprintf(out, "  %-22s %s\n", wire_string(option, "option"),
			wire_string(option, "help"));
}

void render_help(FILE *out, const struct request *rq)
{
	const json_t *row;
	size_t i;

	if (json_is_object(rq->result)) {
		help_render_command(out, rq->result);
		return;
	}
	fputs("usage: snapsh [-C CATALOG] [--json] COMMAND ...\n"
	      "       snapsh [-C CATALOG]            opens a shell for the same commands\n"
	      "       snapsh -f FILE | -e COMMANDS   runs a script of them\n\n",
	      out);
	json_array_foreach(rq->result, i, row)
		fprintf(out, "  %-9s %s\n", wire_string(row, "name"), wire_string(row, "help"));
	fputs("\nREF is NAME@3, NAME@tag, NAME@latest, NAME@~2, or 3, latest, ~2 where the\n"
	      "application is clear. \"snapsh help COMMAND\" says more.\n",
	      out);
}
