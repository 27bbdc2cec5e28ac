// SPDX-License-Identifier: Apache-2.0
/* set var: a snapshot as it would be if something in it were otherwise; set print,
 * set debug-file-directory. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/commands.h"
#include "shell/print_options.h"
#include "shell/what_if.h"

#include <ctype.h>

static const char debug_setting[] = "debug-file-directory";

/* What stands behind a word and blanks, or NULL when the text does not begin with it. */
static const char *behind(const char *text, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(text, word, len) != 0 || (text[len] && text[len] != ' ' && text[len] != '\t'))
		return NULL;
	return text + len + strspn(text + len, " \t");
}

static int set_var(struct request *rq, const char *text, struct sn_err *err)
{
	const char *message = request_option(rq, "message"), *tag = request_option(rq, "tag");
	uint64_t before = variables_changes(rq->shell->variables);
	struct spot spot;
	struct looking *looking = looking_get(rq, &spot, err);

	if (!looking || what_if_evaluate(looking, spot, text, err) < 0 ||
	    what_if_store(looking, message ? message : text, tag, rq->json, &rq->result, err) < 0)
		return -1;
	if (!rq->result && before == variables_changes(rq->shell->variables))
		return sn_fail(err, "nothing is assigned: set var EXPR = VALUE");
	return 0;
}

/* What stands behind `set print`; NULL: it is an expression, `p = 5`. */
static const char *print_words(const char *words)
{
	const char *text = behind(words, "print");

	text = text ? text : behind(words, "pr");
	text = text ? text : behind(words, "p");
	return text && isalpha((unsigned char)*text) ? text : NULL;
}

int cmd_show_setting(struct request *rq, struct sn_err *err)
{
	const char *name = request_word(rq, 1);
	sn_auto_free char *lines = NULL;

	if (strcmp(rq->words[0], "print") == 0)
		lines = print_options_show(&rq->shell->print, name ? name : "", err);
	else
		lines = sn_asprintf("The directory where separate debug symbols are searched for is"
				    " \"%s\".\n",
				    debug_files_directories(rq->shell->debug));
	if (!lines)
		return -1;
	rq->result = json_pack("{s:o}", "text", json_text(lines));
	return 0;
}

/* What is open has its debug information already, or knows that there is none: anew. */
static int set_debug(struct request *rq, const char *directories, struct sn_err *err)
{
	debug_files_set(rq->shell->debug, directories);
	return looking_reopen(rq, err);
}

int cmd_show_variables(struct request *rq, struct sn_err *err)
{
	struct spot spot;
	struct looking *looking = looking_get(rq, &spot, err);
	char *lines;

	if (!looking || inspect_variables_text(looking->in, spot, &lines, err) < 0)
		return -1;
	rq->result = json_pack("{s:o}", "text", json_text(lines));
	free(lines);
	return 0;
}

int cmd_set(struct request *rq, struct sn_err *err)
{
	sn_auto_free char *words = looking_text(rq);
	const char *text = print_words(words);

	if (text && !rq->shell->interactive)
		return request_usage(rq, err, "set print makes sense in the shell only");
	if (text)
		return print_options_set(&rq->shell->print, text, err);
	text = behind(words, debug_setting);
	if (text && !rq->shell->interactive)
		return request_usage(rq, err, "set %s makes sense in the shell only",
				     debug_setting);
	if (text)
		return set_debug(rq, text, err);
	text = behind(words, "var");
	text = text ? text : behind(words, "variable");
	text = text ? text : words; /* gdb lets `var` be left out, too */
	if (!*text)
		return request_usage(rq, err, "set var EXPR = VALUE");
	return set_var(rq, text, err);
}
