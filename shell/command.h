/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands: one table row each, which gives dispatch, usage, --help, the shell's
 * `help`, completion and the manual page. Its longer text is in help_text.c.
 *
 * A command takes its words and options from a request, leaves one JSON value in
 * request->result, and returns 0 or -1 with an error. With --json that value is
 * printed; without, the row's render function prints it for people.
 *
 * To add a command: a file cmd_NAME.c with its function and renderer, their
 * prototypes in commands.h, a row in table.c, a text in help_text.c, a flow in test/flow.
 */
#ifndef SHELL_COMMAND_H
#define SHELL_COMMAND_H

#include "proto/image.pb-c.h"
#include "shell/screen.h"
#include "shell/shell.h"

#include <jansson.h>
#include <stdio.h>

enum {
	STATUS_DONE = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
};

enum {
	OPTIONS_MAX = 8,
	WORDS_ANY = 1 << 20,
};

struct command_option {
	char letter;	   /* 0: only the long form */
	const char *name;  /* of the long form, without "--"; NULL ends a table */
	const char *value; /* what its value is called; NULL: it takes none */
	const char *help;  /* NULL, after all others: not listed */
};

struct request {
	struct shell *shell;
	const struct command *command;
	const char *options[OPTIONS_MAX]; /* as command->options: value, "" for a flag, NULL */
	char **words;			  /* what is not an option, NULL at the end */
	size_t word_count;
	bool json;
	struct screen screen; /* what standard output is */

	struct looking *within; /* what a command of `thread apply` looks at; NULL */

	json_t *result;	  /* owned; NULL: nothing to print */
	char *text;	  /* owned; what render_text shows, where the result has no "text" */
	Sn__Image *image; /* owned; what `show` renders for people */
	int status;	  /* exit status when it did not fail */
};

enum {
	COMMAND_KEEPER = 1,	/* asks the application's keeper */
	COMMAND_SHELL = 2,	/* makes sense in the interactive shell only */
	COMMAND_WORDS_LAST = 4, /* the first word ends the options: the rest is verbatim */
	COMMAND_TEXT = 8,	/* in the shell all behind the options is one word, quotes too */
	COMMAND_AGAIN = 16,	/* of those: an empty line after it does the same again, */
	COMMAND_GOES_ON = 32,	/* or goes on behind it: the same without its text */
	COMMAND_HIDDEN = 64,	/* for programs: not listed, and not meant by a beginning */
};

struct command {
	const char *name;
	const char *aliases;		      /* separated by blanks; NULL none */
	const char *words;		      /* synopsis of the arguments: "REF [REF]" */
	size_t min, max;		      /* how many of them, max up to WORDS_ANY */
	const char *help;		      /* one line */
	const struct command_option *options; /* NULL none */
	int (*run)(struct request *rq, struct sn_err *err);
	void (*render)(FILE *out, const struct request *rq);
	unsigned flags;
	int failed; /* exit status of a failure; 0 stands for STATUS_FAILED */
};

/* What stands before the command, by GLOBAL_*. */
extern const struct command_option global_options[];
enum {
	GLOBAL_CATALOG,
	GLOBAL_JSON,
	GLOBAL_NO_PAGER,
	GLOBAL_FILE,
	GLOBAL_EXECUTE,
	GLOBAL_HELP,
	GLOBAL_COUNT,
};

/* What every command takes. */
extern const struct command_option common_options[];

/* The table, ended by a row without a name. */
const struct command *command_table(void);

/* By name or alias; NULL when there is none. */
const struct command *command_find(const char *name);

/* The same; in the shell also by the beginning of a name, when no other begins so. Fails with
 * the names there are. */
const struct command *command_meant(const struct shell *shell, const char *name,
				    struct sn_err *err);

/* The command a line begins with, when it takes a text (COMMAND_TEXT); else NULL. */
const struct command *command_of_text(const struct shell *shell, const char *line);

/*
 * Runs one command line (its name and what follows, NULL at the end; the array's
 * order is changed), prints its result or its error. Returns the exit status.
 */
int command_run(struct shell *shell, char **words);

/*
 * Runs a line as a part of another command, which has `looking` at hand: what it answers, and what
 * it shows. Only commands that look into a snapshot can be.
 */
int command_within(const struct request *outer, struct looking *looking, const char *line,
		   json_t **result, char **text, struct sn_err *err);

/* A line of the shell as words: a text of a command that takes one is one of them. */
struct words;
int command_split(const struct shell *shell, const char *line, struct words *words,
		  struct sn_err *err);

/* Value of the option with this long name, "" for a flag that was given, or NULL. */
const char *request_option(const struct request *rq, const char *name);

/* The option "max", a number above 0; 0 when it was not given. */
int request_max(struct request *rq, size_t *max, struct sn_err *err);

/* Word i, or NULL. */
const char *request_word(const struct request *rq, size_t i);

/* A failure that is the caller's wording, not the command's: exit status 2. */
int request_usage(struct request *rq, struct sn_err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A number in decimal above zero that fits a pid_t. */
int parse_pid(const char *text, pid_t *pid, struct sn_err *err);

/* What `help` shows of a row: name, aliases, usage, help, what help_text.c has, options. */
json_t *command_describe(const struct command *command);
/* An array of "option" ("-m, --message TEXT") and "help". */
json_t *command_describe_options(const struct command_option *table);

/* Prints a command's error, with where it stands in a script. */
void command_failed(const struct shell *shell, bool json, struct sn_err *err);

/* One line on stderr, as JSON when asked for. */
void error_print(bool json, const struct sn_err *err);

#endif
