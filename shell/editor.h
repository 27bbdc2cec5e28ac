/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line a person types: readline with a prompt, and a history that is kept.
 *
 *	editor_open -> editor_read, editor_keep ... -> editor_close
 *
 * The history is $XDG_STATE_HOME/snapsh/history, without XDG_STATE_HOME the catalog's file
 * "history"; only its owner can read it. Each line is appended when it is typed, so shells that
 * run at the same time lose nothing of each other's. Where it cannot be kept it lasts as long
 * as the shell.
 */
#ifndef SHELL_EDITOR_H
#define SHELL_EDITOR_H

#include "shell/shell.h"

struct editor {
	struct shell *shell;
	char *history; /* where it is kept; NULL: nowhere */
};

void editor_open(struct editor *editor, struct shell *shell);
/* A line without its newline, malloc'd; NULL at the end. Ctrl-C drops what was typed: "". */
char *editor_read(struct editor *editor);
/* Into the history, but not twice in a row, and nothing that begins with a blank. */
void editor_keep(struct editor *editor, const char *line);
void editor_close(struct editor *editor);

/* Tells readline how to complete; in editor_complete.c. */
void editor_complete(struct shell *shell);

/* "snapsh> "; "myapp> " with an application selected; "myapp@3> " with a snapshot; both where
 * they differ: "myapp (other@3)> ". malloc'd. */
char *editor_prompt(const struct shell *shell);

#endif
