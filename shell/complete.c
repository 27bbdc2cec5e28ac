// SPDX-License-Identifier: Apache-2.0
#include "shell/complete.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/words.h"

#include <ctype.h>
#include <string.h>

static const char BLANKS[] = " \t\n;";
static const char BEHIND_EQUALS[] = " \t\n;=";
static const char BEHIND_AT[] = " \t\n;@=";
static const char OPERATORS[] = " \t\n;\"'`\\@><=|&{}()[]*+-/%!~^?:,.";

void complete_add(struct complete *complete, const char *prefix, const char *word)
{
	if (strncmp(word, prefix, strlen(prefix)) != 0)
		return;
	if (complete->count == complete->cap) {
		complete->cap = complete->cap ? 2 * complete->cap : 32;
		complete->words =
			sn_realloc(complete->words, complete->cap, sizeof(*complete->words));
	}
	complete->words[complete->count++] = sn_strdup(word);
}

/* Numbers by their value, and before names. */
static int compare_words(const void *left, const void *right)
{
	const char *a = *(char *const *)left, *b = *(char *const *)right;

	return strverscmp(a, b);
}

static void sort(struct complete *complete)
{
	size_t kept = 0;

	if (!complete->count)
		return;
	qsort(complete->words, complete->count, sizeof(*complete->words), compare_words);
	for (size_t i = 1; i < complete->count; i++) {
		if (strcmp(complete->words[kept], complete->words[i]) == 0)
			free(complete->words[i]);
		else
			complete->words[++kept] = complete->words[i];
	}
	complete->count = kept + 1;
}

void complete_release(struct complete *complete)
{
	for (size_t i = 0; i < complete->count; i++)
		free(complete->words[i]);
	free(complete->words);
	memset(complete, 0, sizeof(*complete));
}

/* ---- what a word may be ---- */

/* One name out of a synopsis, "REF" or "off", for a word that begins with `prefix`. */
static void by_name(struct complete *complete, const char *name, const char *prefix)
{
	if (islower((unsigned char)*name))
		complete_add(complete, prefix, name);
	else if (strcmp(name, "NAME") == 0)
		complete_apps(complete, prefix);
	else if (strcmp(name, "REF") == 0)
		complete_refs(complete, prefix);
	else if (strcmp(name, "CMD") == 0)
		complete_programs(complete, prefix);
	else if (strcmp(name, "FILE") == 0)
		complete->files = COMPLETE_FILES;
	else if (strcmp(name, "DIR") == 0)
		complete->files = COMPLETE_DIRS;
	if (strcmp(name, "COMMAND") != 0)
		return;
	for (const struct command *c = command_table(); c->name; c++) {
		if (!(c->flags & COMMAND_HIDDEN) &&
		    (!(c->flags & COMMAND_SHELL) || complete->shell->interactive))
			complete_add(complete, prefix, c->name);
	}
}

/* "run|stop|kill" or "FILE" */
static void by_names(struct complete *complete, const char *names, const char *prefix)
{
	while (*names) {
		size_t len = strcspn(names, "|");
		sn_auto_free char *name = sn_strndup(names, len);

		by_name(complete, name, prefix);
		names += len + (names[len] == '|');
	}
}

/* What stands at a place of a synopsis like "[NAME] [INTERVAL | off]" or "REF..."; malloc'd,
 * "" none. */
static char *names_at(const char *synopsis, size_t place)
{
	char *names = sn_strdup(""), *copy = sn_strdup(synopsis), *save = NULL;
	bool joined = false, repeats = false;
	size_t at = 0;

	for (char *t = strtok_r(copy, " []", &save); t; t = strtok_r(NULL, " []", &save)) {
		sn_auto_free char *before = NULL;
		size_t len = strlen(t);

		if (strcmp(t, "|") == 0) {
			joined = true;
			at--;
			continue;
		}
		if (t[0] == '-' || t[0] == '/')
			continue;
		repeats = len > 3 && strcmp(t + len - 3, "...") == 0;
		t[len - (repeats ? 3 : 0)] = '\0';
		if (at == place || (repeats && place > at)) {
			before = names;
			names = sn_asprintf("%s%s%s", joined ? before : "",
					    joined && *before ? "|" : "", t);
		}
		joined = false;
		at++;
	}
	free(copy);
	return names;
}

/* Its synopsis has a word that is an expression, or names something of the program. */
static bool takes_expression(const struct command *command)
{
	static const char *const names[] = {"EXPR", "ADDRESS", "FUNCTION", "WHAT"};

	for (size_t i = 0; i < sn_countof(names) && command->words; i++) {
		if (strstr(command->words, names[i]))
			return true;
	}
	return false;
}

/* The text of a command that takes one: words that the synopsis names, else an expression. */
static void in_text(struct complete *complete, struct request *rq, const char *text)
{
	const char *word = text;
	size_t place = 0;
	sn_auto_free char *names = NULL;

	while (*text == '/') { /* of a format nothing, behind it as before it */
		word += strcspn(word, " \t");
		if (!*word)
			return;
		word += strspn(word, " \t");
		text = word;
	}
	for (const char *p = word; *p; p++) {
		if (!strchr(" \t", *p) || strchr(" \t", p[1]))
			continue;
		word = p + 1;
		place++;
	}
	if (*text && strchr(" \t", text[strlen(text) - 1])) {
		word = text + strlen(text);
		place++;
	}
	names = names_at(rq->command->words ? rq->command->words : "", place);
	complete->len = strlen(word);
	by_names(complete, names, word);
	if (!takes_expression(rq->command) || islower((unsigned char)*names))
		return;
	complete->breaks = OPERATORS;
	complete->open = true;
	complete_expression(complete, rq, text);
}

static void options_of(struct complete *complete, const struct command_option *o,
		       const char *prefix)
{
	for (; o && o->name && o->help; o++) {
		sn_auto_free char *name = sn_asprintf("--%s", o->name);

		complete_add(complete, prefix, name);
	}
}

/* The option a word is, with its value in the next when *wants; NULL: none. */
static const struct command_option *option_of(const struct command_option *table, const char *word,
					      bool *wants)
{
	size_t len = strlen(word);

	*wants = false;
	for (const struct command_option *o = table; o && o->name; o++) {
		bool is = word[1] == '-' ? strcmp(word + 2, o->name) == 0
					 : word[len - 1] == o->letter;

		if (!is)
			continue;
		*wants = o->value != NULL;
		return o;
	}
	return NULL;
}

/* ---- where the word stands ---- */

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] && !isdigit((unsigned char)word[1]);
}

/* "--then=st": the value */
static bool in_long_value(struct complete *complete, const struct command_option *table,
			  const char *word)
{
	const char *equals = strchr(word, '=');

	if (word[0] != '-' || word[1] != '-' || !equals)
		return false;
	complete->breaks = BEHIND_EQUALS;
	complete->len = strlen(equals + 1);
	for (const struct command_option *o = table; o && o->name; o++) {
		size_t len = (size_t)(equals - word) - 2;

		if (o->value && strlen(o->name) == len && strncmp(o->name, word + 2, len) == 0)
			by_names(complete, o->value, equals + 1);
	}
	return true;
}

/* words: behind the command's name, at least one; `last` may be its whole text. */
static void in_command(struct complete *complete, struct request *rq, char **words)
{
	const struct command_option *table = rq->command->options, *pending = NULL;
	bool ended = false, wants = false;
	size_t place = 0;

	for (; words[1]; words++) {
		if (pending) {
			rq->options[pending - table] = words[0];
			pending = NULL;
		} else if (!ended && strcmp(words[0], "--") == 0) {
			ended = true;
		} else if (!ended && is_option(words[0])) {
			pending = option_of(table, words[0], &wants);
			if (pending && !wants)
				pending = NULL;
		} else {
			place++;
			ended |= (rq->command->flags & COMMAND_WORDS_LAST) != 0;
		}
	}
	complete->len = strlen(words[0]);
	if (pending) {
		by_names(complete, pending->value, words[0]);
	} else if (!ended && words[0][0] == '-' && !strpbrk(words[0], " \t")) {
		if (in_long_value(complete, table, words[0]))
			return;
		options_of(complete, table, words[0]);
		options_of(complete, common_options, words[0]);
	} else if (rq->command->flags & COMMAND_TEXT) {
		in_text(complete, rq, words[0]);
	} else {
		sn_auto_free char *names =
			names_at(rq->command->words ? rq->command->words : "", place);

		if (strcmp(names, "CMD") == 0 && place > 0)
			complete->files = COMPLETE_FILES;
		else
			by_names(complete, names, words[0]);
	}
}

/* The command's name and what follows, the last not finished. */
static void in_words(struct complete *complete, char **words)
{
	struct request rq = {.shell = complete->shell, .json = true};
	struct sn_err ignored;

	if (!words[1]) {
		complete->len = strlen(words[0]);
		by_name(complete, "COMMAND", words[0]);
		return;
	}
	rq.command = command_meant(complete->shell, words[0], &ignored);
	if (rq.command)
		in_command(complete, &rq, words + 1);
}

static void prepare(struct complete *complete, struct shell *shell)
{
	memset(complete, 0, sizeof(*complete));
	complete->shell = shell;
	complete->breaks = BLANKS;
}

/* What the last argument has before the word. */
static void finish(struct complete *complete, const char *last)
{
	size_t len = strlen(last);

	sort(complete);
	if (complete->len > len)
		complete->len = len;
	complete->head = len - complete->len;
	if (len > complete->len && last[len - complete->len - 1] == '@' &&
	    complete->breaks == BLANKS)
		complete->breaks = BEHIND_AT;
}

/* Where in the line its last words are, which may have blanks behind them. */
static const char *text_of(const char *line, const char *text)
{
	const char *end = line + strlen(line);

	while (end > line && strchr(" \t\r\n", end[-1]))
		end--;
	return end - strlen(text);
}

/* The words of one command of the shell with a last one, be it empty, for complete_words. */
static void split(struct words *words, struct shell *shell, const char *line)
{
	const struct command *text = command_of_text(shell, line);
	size_t len = strlen(line), keep = 0;
	bool open = false;

	if (text)
		words_split_text(words, line, text->options);
	else
		open = words_split_open(words, line);
	/* "--" before a text is ours */
	for (size_t i = 0; i < words->count; i++) {
		if (!text || i + 2 != words->count || strcmp(words->words[i], "--") != 0)
			words->words[keep++] = words->words[i];
	}
	if (!open && len && strchr(" \t", line[len - 1])) {
		if (keep == words->count)
			words->words[keep++] = (char *)"";
		else /* with the blanks behind the text */
			words->words[keep - 1] = (char *)text_of(line, words->words[keep - 1]);
	}
	if (!keep)
		words->words[keep++] = (char *)"";
	words->words[keep] = NULL;
	words->count = keep;
}

void complete_line(struct complete *complete, struct shell *shell, const char *line)
{
	struct words words;

	prepare(complete, shell);
	for (;;) {
		size_t len = words_command(line, command_of_text(shell, line) != NULL);

		if (!line[len])
			break;
		line += len + 1;
	}
	complete->quotes = !command_of_text(shell, line);
	split(&words, shell, line);
	in_words(complete, words.words);
	finish(complete, words.words[words.count - 1]);
	words_release(&words);
}

void complete_words(struct complete *complete, struct shell *shell, char **words)
{
	const struct command_option *option;
	bool wants;

	prepare(complete, shell);
	while (words[0] && words[1] && is_option(words[0])) {
		option = option_of(global_options, words[0], &wants);
		words++;
		if (option && wants && words[1]) {
			if (option->letter == 'C') {
				free(shell->catalog_dir);
				shell->catalog_dir = sn_strdup(words[0]);
			}
			words++;
		} else if (option && wants) {
			complete->len = strlen(words[0]);
			by_names(complete, option->value, words[0]);
			return;
		}
	}
	if (!words[0])
		return;
	if (!words[1] && words[0][0] == '-')
		options_of(complete, global_options, words[0]);
	else
		in_words(complete, words);
	while (words[1])
		words++;
	finish(complete, words[0]);
}
