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

/* Closes what is open. */
void looking_close(struct shell *shell);

/* The request's words as one text, blanks between them; malloc'd. */
char *looking_text(const struct request *rq);

/* "NAME@3", malloc'd. */
char *looking_name(const struct looking *looking);

#endif
