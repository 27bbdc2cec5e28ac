// SPDX-License-Identifier: Apache-2.0
#include "shell/manual.h"

#include "core/base/guard.h"
#include "shell/command.h"
#include "shell/help_text.h"
#include "shell/wire.h"

#include <ctype.h>
#include <string.h>

/* Text that roff takes as it stands. */
static void put(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool starts = i == 0 || text[i - 1] == '\n';

		if (starts && (text[i] == '.' || text[i] == '\''))
			fputs("\\&", out);
		if (text[i] == '\\')
			fputs("\\e", out);
		else if (text[i] == '-')
			fputs("\\-", out);
		else if (text[i] == '~')
			fputs("\\(ti", out);
		else if (text[i] == '^')
			fputs("\\(ha", out);
		else if (text[i] == '\'')
			fputs("\\(aq", out);
		else if (text[i] == '`')
			fputs("\\(ga", out);
		else
			fputc(text[i], out);
	}
}

static void put_text(FILE *out, const char *text)
{
	put(out, text, strlen(text));
}

/* An argument of a macro. */
static void put_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputs("\\(dq", out);
		else
			put(out, text, 1);
		if (*text == '|') /* a line may end there */
			fputs("\\:", out);
	}
	fputs("\"\n", out);
}

/* Sentences begin lines, as roff wants them, with a capital; a stop at the end. */
static void put_sentences(FILE *out, const char *text)
{
	const char *end = text + strlen(text);

	if (!*text)
		return;
	fputc(toupper((unsigned char)*text), out);
	for (text++; *text; text++) {
		if (strchr(".:?", text[-1]) && *text == ' ' && isupper((unsigned char)text[1]))
			fputc('\n', out);
		else
			put(out, text, 1);
	}
	fputs(end[-1] == '.' ? "\n" : ".\n", out);
}

static void put_option(FILE *out, const char *forms, const char *help)
{
	fputs(".TP\n.B ", out);
	put_text(out, forms + strspn(forms, " "));
	fputc('\n', out);
	put_sentences(out, help);
}

static void put_examples(FILE *out, const char *lines)
{
	if (!*lines)
		return;
	fputs(".PP\n.EX\n", out);
	put_text(out, lines);
	fputs("\n.EE\n", out);
}

static void put_command(FILE *out, const struct command *command)
{
	json_t *described = command_describe(command);
	const struct help_text *help = help_text_of(command->name);
	const char *aliases = wire_string(described, "aliases");
	const json_t *options = json_object_get(described, "options"), *option;
	size_t i;

	fputs(".SS ", out);
	put_quoted(out, wire_string(described, "usage"));
	put_sentences(out, command->help);
	fputs(".PP\n", out);
	put_sentences(out, help->text);
	if (command->flags & COMMAND_SHELL)
		fputs("In the shell only.\n", out);
	if (*aliases) {
		fputs("Also: ", out);
		put_text(out, aliases);
		fputs(".\n", out);
	}
	/* without those that all have */
	json_array_foreach(options, i, option) {
		if (command->options && command->options[i].name)
			put_option(out, wire_string(option, "option"), wire_string(option, "help"));
		else
			break;
	}
	put_examples(out, help->examples);
	json_decref(described);
}

static void put_global_options(FILE *out)
{
	json_t *options = command_describe_options(global_options);
	const json_t *option;
	size_t i;

	fputs(".SH OPTIONS\n", out);
	json_array_foreach(options, i, option)
		put_option(out, wire_string(option, "option"), wire_string(option, "help"));
	json_decref(options);
	fputs(".PP\nEvery command takes\n.B \\-\\-json\nand\n.BR \\-h ,\n.BR \\-\\-help ,\n"
	      "too.\n",
	      out);
}

char *manual_commands(void)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort();
	put_global_options(out);
	for (enum help_group group = 0; group < HELP_GROUPS; group++) {
		const char *title = help_group_title(group);

		fputs(".SH \"COMMANDS: ", out);
		for (const char *p = title; *p; p++)
			fputc(toupper((unsigned char)*p), out);
		fputs("\"\n", out);
		for (const struct command *c = command_table(); c->name; c++) {
			if (!(c->flags & COMMAND_HIDDEN) && help_text_of(c->name)->group == group)
				put_command(out, c);
		}
	}
	fclose(out);
	return text;
}
