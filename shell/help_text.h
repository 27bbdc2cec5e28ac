/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `help COMMAND` and the manual page say besides the row of the table: an entry for each
 * row that is listed, by its name.
 */
#ifndef SHELL_HELP_TEXT_H
#define SHELL_HELP_TEXT_H

#include <stddef.h>

enum help_group {
	HELP_LIFE,
	HELP_SNAPSHOTS,
	HELP_BACK,
	HELP_LOOKING,
	HELP_REST,
	HELP_GROUPS,
};

struct help_text {
	const char *name; /* of the row; NULL ends the table */
	enum help_group group;
	const char *text;     /* what it does, in a few sentences */
	const char *examples; /* command lines, one a line */
	const char *see;      /* other commands, separated by blanks */
};

extern const struct help_text help_texts[];

/* Heading of a group: "an application's life". */
const char *help_group_title(enum help_group group);

/* Of a row without an entry: nothing, and among the rest. */
const struct help_text *help_text_of(const char *name);

#endif
