// SPDX-License-Identifier: Apache-2.0
#include "shell/command.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/commands.h"
#include "shell/help_text.h"
#include "shell/options.h"
#include "shell/words.h"

#include <errno.h>
#include <limits.h>

const struct command_option common_options[] = {
	{0, "json", NULL, "print the result as JSON"},
	{'h', "help", NULL, "print this help"},
	{0},
};

enum {
	COMMON_JSON,
	COMMON_HELP,
	COMMON_COUNT,
};

static bool is_alias(const char *aliases, const char *name)
{
	size_t len = strlen(name);

	while (aliases && *aliases) {
		size_t word = strcspn(aliases, " ");

		if (word == len && strncmp(aliases, name, len) == 0)
			return true;
		aliases += word + strspn(aliases + word, " ");
	}
	return false;
}

const struct command *command_find(const char *name)
{
	for (const struct command *c = command_table(); c->name; c++) {
		if (strcmp(c->name, name) == 0 || is_alias(c->aliases, name))
			return c;
	}
	return NULL;
}

/* "ambiguous command "s": snap, show, src" */
static int fail_ambiguous(const char *name, struct sn_err *err)
{
	const char *between = ": ";
	size_t len;

	sn_fail(err, "ambiguous command \"%s\"", name);
	for (const struct command *c = command_table(); c->name; c++) {
		len = strlen(err->text);
		if ((c->flags & COMMAND_HIDDEN) || strncmp(c->name, name, strlen(name)) != 0)
			continue;
		snprintf(err->text + len, sizeof(err->text) - len, "%s%s", between, c->name);
		between = ", ";
	}
	return -1;
}

const struct command *command_meant(const struct shell *shell, const char *name, struct sn_err *err)
{
	const struct command *found = command_find(name);
	size_t count = 0;

	if (found)
		return found;
	for (const struct command *c = command_table(); c->name && shell->interactive; c++) {
		if (*name && !(c->flags & COMMAND_HIDDEN) &&
		    strncmp(c->name, name, strlen(name)) == 0) {
			found = c;
			count++;
		}
	}
	if (count == 1)
		return found;
	if (count > 1)
		fail_ambiguous(name, err);
	else
		sn_fail(err, "there is no command \"%s\"; \"%shelp\" lists them", name,
			shell->interactive ? "" : "snapsh ");
	return NULL;
}

const struct command *command_of_text(const struct shell *shell, const char *line)
{
	const struct command *command;
	sn_auto_free char *name = NULL;
	struct sn_err ignored;

	line += strspn(line, " \t");
	name = sn_strndup(line, strcspn(line, " \t\r\n/;"));
	command = command_meant(shell, name, &ignored);
	return command && (command->flags & COMMAND_TEXT) ? command : NULL;
}

const char *request_option(const struct request *rq, const char *name)
{
	const struct command_option *o = rq->command->options;

	for (size_t i = 0; o && o[i].name; i++) {
		if (strcmp(o[i].name, name) == 0)
			return rq->options[i];
	}
	return NULL;
}

const char *request_word(const struct request *rq, size_t i)
{
	return i < rq->word_count ? rq->words[i] : NULL;
}

int request_usage(struct request *rq, struct sn_err *err, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	rq->status = STATUS_USAGE;
	return sn_fail(err, "%s; \"snapsh help %s\" says how it is used", text, rq->command->name);
}

int request_max(struct request *rq, size_t *max, struct sn_err *err)
{
	const char *text = request_option(rq, "max");
	size_t digits = text ? strspn(text, "0123456789") : 0;

	*max = 0;
	if (!text)
		return 0;
	if (!digits || digits > 9 || text[digits] || !strtoul(text, NULL, 10))
		return request_usage(rq, err, "%s: --max \"%s\" is no number above 0",
				     rq->command->name, text);
	*max = strtoul(text, NULL, 10);
	return 0;
}

int parse_pid(const char *text, pid_t *pid, struct sn_err *err)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value <= 0 || value > INT_MAX)
		return sn_fail(err, "\"%s\" is not a process id", text);
	*pid = (pid_t)value;
	return 0;
}

void error_print(bool json, const struct sn_err *err)
{
	json_t *line;

	if (!json) {
		bool colour = screen_of(STDERR_FILENO).colour;

		fprintf(stderr, "%ssnapsh:%s %s\n", colour ? "\033[" SCREEN_ERROR "m" : "",
			colour ? "\033[m" : "", err->text);
		return;
	}
	line = json_pack("{s:o}", "error", json_text(err->text));
	json_dumpf(line, stderr, 0);
	fputc('\n', stderr);
	json_decref(line);
}

void command_failed(const struct shell *shell, bool json, struct sn_err *err)
{
	if (shell->script)
		sn_ctx(err, "%s:%zu", shell->script, shell->script_line);
	error_print(json, err);
}

/* "-m, --message TEXT" */
static json_t *describe_option(const struct command_option *o)
{
	sn_auto_free char *forms = NULL;

	if (o->letter)
		forms = sn_asprintf("-%c, --%s%s%s", o->letter, o->name, o->value ? " " : "",
				    o->value ? o->value : "");
	else
		forms = sn_asprintf("    --%s%s%s", o->name, o->value ? " " : "",
				    o->value ? o->value : "");
	return json_pack("{s:s, s:s}", "option", forms, "help", o->help);
}

/* "snap [-m TEXT] [--tracker KIND] [NAME]" */
static char *usage_line(const struct command *command)
{
	char *line = sn_strdup(command->name);

	for (const struct command_option *o = command->options; o && o->name && o->help; o++) {
		char letter[2] = {o->letter, '\0'};
		sn_auto_free char *before = line;

		line = sn_asprintf("%s [%s%s%s%s]", before, o->letter ? "-" : "--",
				   o->letter ? letter : o->name, o->value ? " " : "",
				   o->value ? o->value : "");
	}
	if (command->words) {
		sn_auto_free char *before = line;

		line = sn_asprintf("%s %s", before, command->words);
	}
	return line;
}

json_t *command_describe_options(const struct command_option *table)
{
	json_t *options = json_array();

	for (const struct command_option *o = table; o && o->name; o++) {
		if (o->help)
			json_array_append_new(options, describe_option(o));
	}
	return options;
}

json_t *command_describe(const struct command *command)
{
	const struct help_text *more = help_text_of(command->name);
	sn_auto_free char *usage = usage_line(command);
	json_t *options = command_describe_options(command->options);
	json_t *common = command_describe_options(common_options);

	json_array_extend(options, common);
	json_decref(common);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:o}", "name",
			 command->name, "aliases", command->aliases ? command->aliases : "",
			 "usage", usage, "help", command->help, "group",
			 help_group_title(more->group), "text", more->text, "examples",
			 more->examples, "see", more->see, "keeper",
			 (command->flags & COMMAND_KEEPER) != 0, "shell_only",
			 (command->flags & COMMAND_SHELL) != 0, "options", options);
}

static int check_words(struct request *rq, struct sn_err *err)
{
	const struct command *c = rq->command;

	if (rq->word_count < c->min)
		return request_usage(rq, err, "%s needs %s", c->name, c->words);
	if (rq->word_count > c->max)
		return request_usage(rq, err, "%s: \"%s\" is one word too many", c->name,
				     rq->words[c->max]);
	if ((c->flags & COMMAND_SHELL) && !rq->shell->interactive)
		return request_usage(rq, err, "%s makes sense in the shell only", c->name);
	return 0;
}

/* For a line that could not be parsed: how its author wants to be told. */
static bool asks_json(char *const *words)
{
	for (; *words && strcmp(*words, "--") != 0; words++) {
		if (strcmp(*words, "--json") == 0)
			return true;
	}
	return false;
}

/* Options, words, and the command itself, or its help. */
static int request_do(struct request *rq, char **words, struct sn_err *err)
{
	const char *common[COMMON_COUNT] = {NULL};
	const struct option_set sets[2] = {
		{rq->command->options, rq->options},
		{common_options, common},
	};
	struct sn_err why;

	if (options_parse(sets, rq->command->flags & COMMAND_WORDS_LAST, words, &rq->word_count,
			  &why) < 0) {
		rq->json |= asks_json(words);
		return request_usage(rq, err, "%s: %s", rq->command->name, why.text);
	}
	rq->words = words;
	rq->json |= common[COMMON_JSON] != NULL;
	if (common[COMMON_HELP]) {
		rq->result = command_describe(rq->command);
		rq->command = command_find("help");
		return 0;
	}
	if (check_words(rq, err) < 0)
		return -1;
	return rq->command->run(rq, err);
}

static void put_result(struct request *rq, FILE *out)
{
	if (!rq->json && rq->command->render) {
		rq->command->render(out, rq);
	} else if (rq->json && rq->result) {
		json_dumpf(rq->result, out, JSON_INDENT(2) | JSON_ENCODE_ANY);
		fputc('\n', out);
	}
}

/* Through memory where it may be too long for the terminal. */
static int show_result(struct request *rq, struct sn_err *err)
{
	sn_auto_free char *text = NULL;
	size_t len;
	FILE *out;

	if ((rq->result || rq->text) && rq->screen.terminal && !rq->shell->no_pager) {
		out = open_memstream(&text, &len);
		if (!out)
			abort();
		put_result(rq, out);
		fclose(out);
		screen_page(&rq->screen, text, len);
	} else if (rq->result || rq->text) {
		put_result(rq, stdout);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		clearerr(stdout);
		return sn_fail_sys(err, "write the result");
	}
	return 0;
}

/* "print/x" is "print" and "/x": the words anew, malloc'd, or NULL. */
static char **split_format(const struct shell *shell, char **words)
{
	const struct command *command = command_of_text(shell, words[0]);
	char *slash = strchr(words[0], '/'), **split;
	size_t count = 0;

	if (!command || !slash)
		return NULL;
	while (words[count])
		count++;
	split = sn_calloc(count + 2, sizeof(*split));
	split[0] = (char *)command->name;
	split[1] = slash;
	memcpy(split + 2, words + 1, (count - 1) * sizeof(*split));
	return split;
}

/* Which debug information the command had to do without. */
static void tell_of_debug_files(const struct request *rq)
{
	sn_auto_free char *note = debug_files_take_note(rq->shell->debug);

	if (note && !rq->json)
		fprintf(stderr, "warning: %s\n", note);
}

int command_split(const struct shell *shell, const char *line, struct words *words,
		  struct sn_err *err)
{
	const struct command *text = command_of_text(shell, line);

	if (!text)
		return words_split(words, line, err);
	words_split_text(words, line, text->options);
	return 0;
}

static int do_within(struct request *rq, char **words, char **text, struct sn_err *err)
{
	sn_auto_free char **split = split_format(rq->shell, words);
	size_t len;
	FILE *out;

	words = split ? split : words;
	rq->command = command_meant(rq->shell, words[0], err);
	if (!rq->command)
		return -1;
	if (!(rq->command->flags & COMMAND_TEXT) || !rq->command->options)
		return sn_fail(err, "%s does not look into a snapshot", rq->command->name);
	if (request_do(rq, words + 1, err) < 0)
		return -1;
	out = open_memstream(text, &len);
	if (!out)
		abort();
	if (rq->command->render && (rq->result || rq->text))
		rq->command->render(out, rq);
	fclose(out);
	return 0;
}

int command_within(const struct request *outer, struct looking *looking, const char *line,
		   json_t **result, char **text, struct sn_err *err)
{
	struct request rq = {
		.shell = outer->shell,
		.json = outer->json,
		.screen = outer->screen,
		.within = looking,
	};
	struct words words;
	int rc;

	if (command_split(outer->shell, line, &words, err) < 0)
		return -1;
	rc = words.count ? do_within(&rq, words.words, text, err) : 0;
	words_release(&words);
	*result = rq.result;
	free(rq.text);
	if (rq.image)
		sn__image__free_unpacked(rq.image, NULL);
	return rc;
}

int command_run(struct shell *shell, char **words)
{
	sn_auto_free char **split = split_format(shell, words);
	struct request rq = {
		.shell = shell,
		.json = shell->json,
		.screen = screen_of(STDOUT_FILENO),
	};
	struct sn_err err;
	int rc;

	if (split)
		words = split;
	rq.command = command_meant(shell, words[0], &err);
	if (!rq.command) {
		command_failed(shell, rq.json, &err);
		return STATUS_USAGE;
	}
	rc = request_do(&rq, words + 1, &err);
	tell_of_debug_files(&rq);
	if (rc == 0)
		rc = show_result(&rq, &err);
	if (rc < 0) {
		command_failed(shell, rq.json, &err);
		if (rq.status == STATUS_DONE)
			rq.status = rq.command->failed ? rq.command->failed : STATUS_FAILED;
	}
	json_decref(rq.result);
	free(rq.text);
	if (rq.image)
		sn__image__free_unpacked(rq.image, NULL);
	return rq.status;
}
