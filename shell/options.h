/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splitting a command line into options and words by a table.
 *
 * -n NAME, -nNAME, --name NAME, --name=NAME, -dn NAME; "--" ends the options.
 * Options may stand among the words, unless `words_last`.
 */
#ifndef SHELL_OPTIONS_H
#define SHELL_OPTIONS_H

#include "shell/command.h"

/* A table and where its values go, in the table's order. */
struct option_set {
	const struct command_option *table; /* NULL: empty */
	const char **values;
};

/*
 * Takes the options of both sets out of argv (NULL at its end), whose words move
 * to the front. *count of them are left. Fails on what no table has and on a value
 * that is missing or not wanted.
 */
int options_parse(const struct option_set sets[2], bool words_last, char **argv, size_t *count,
		  struct sn_err *err);

#endif
