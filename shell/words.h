/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splitting a line of the shell into words: blanks separate, '...' is verbatim,
 * in "..." and outside a backslash takes the next character as it is, an unquoted
 * # at the start of a word begins a comment.
 */
#ifndef SHELL_WORDS_H
#define SHELL_WORDS_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct words {
	char *text;   /* what the words point into */
	char **words; /* NULL at the end */
	size_t count;
};

int words_split(struct words *words, const char *line, struct sn_err *err);
/* The same of a line that is not finished: the last word may lack its second quote, which is
 * returned; 0: none is open. */
char words_split_open(struct words *words, const char *line);

/*
 * The same for a command whose words are one text, an expression: the name, options out of
 * `options` (see command.h), "--", and all the rest as it stands. "print/x" is two words.
 */
struct command_option;
void words_split_text(struct words *words, const char *line,
		      const struct command_option *options);

/*
 * How long the first command of a line is: up to a ";" outside of quotes, or all of it. With
 * `text` the words are an expression's (COMMAND_TEXT): a backslash counts in '...' too, and
 * "#" begins no comment.
 */
size_t words_command(const char *line, bool text);

/* The line of such a command without its expression, "x/4xw" of "x/4xw &a"; malloc'd. */
char *words_going_on(const char *line, const struct command_option *options);

void words_release(struct words *words);

#endif
