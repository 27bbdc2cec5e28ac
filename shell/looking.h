/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The snapshot that print, bt, info and their like look at, with the thread and frame they mean.
 *
 * In the shell it is the one that `at` selected, open until another is; with -r, and on the
 * command line, one of the command's own. Without either it is the latest of the selected, or
 * the only, application.
 */
#ifndef SHELL_LOOKING_H
#define SHELL_LOOKING_H

#include "shell/command.h"
#include "snap/inspect/inspect.h"

struct looking {
	struct inspect *in;
	struct catalog_app app;
	struct catalog_snapshot snap;
	struct spot spot; /* selected by thread, frame, up and down */
};

/* What a request looks at, and where in it: its options -r, -t and -f, else what is selected.
 * Lives until the next call. NULL: failed. */
struct looking *looking_get(struct request *rq, struct spot *spot, struct sn_err *err);

/* A snapshot that a command names by its first word. */
struct looking *looking_once(struct request *rq, const char *ref, struct sn_err *err);

/* `at`: opens a snapshot and keeps it. */
struct looking *looking_select(struct request *rq, const char *ref, struct sn_err *err);

/* The one of `at` anew, at the frame it begins with; what was printed is forgotten. */
int looking_reopen(struct request *rq, struct sn_err *err);

/* Closes what is open. */
void looking_close(struct shell *shell);

/* The request's words as one text, blanks between them; malloc'd. */
char *looking_text(const struct request *rq);

/* "/x EXPR": the format without the slash, malloc'd ("" none), and what stands behind it. */
char *looking_format(const char **text);
/* The format of a command that takes a letter only; 0 none. */
int looking_letter(const char *format, const char *command, char *letter, struct sn_err *err);

/* The thread and frame that -t and -f say, not held to a snapshot; else the first of each. */
int looking_any_spot(const struct request *rq, struct spot *spot, struct sn_err *err);

/*
 * The application that the last word of an expression's text names, where what stands before it
 * is an expression by itself: "hp myapp", not "hp + myapp". Ends the text before it. 1; 0: there
 * is none; -1.
 */
int looking_named(struct request *rq, char *text, struct catalog_app *app, struct sn_err *err);
/* The one that is meant without a name: that of `at`, else the selected or only one. */
int looking_app(struct request *rq, struct catalog_app *app, struct sn_err *err);

/* Notes on standard error, for people. */
void looking_warn(const struct request *rq, char *const *notes, size_t count);

/* "NAME@3", malloc'd. */
char *looking_name(const struct looking *looking);

#endif
