/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines into commands: typed at a terminal, piped, out of a file, out of an argument.
 *
 * A line is one command, or several with ";" between them, outside of quotes. When one fails
 * those behind it on the line are left out, unless a "-" stands before it.
 */
#ifndef SHELL_REPL_H
#define SHELL_REPL_H

#include "shell/shell.h"

/* Until the end of input or `quit`. Exit status: 0 at a terminal, else the last command's. */
int repl_run(struct shell *shell);

/*
 * Scripts: the lines of a file ("-" is standard input), or of a text, up to the first command
 * that fails. Its exit status; an error says where: "FILE:LINE: ...".
 */
int repl_file(struct shell *shell, const char *path);
int repl_text(struct shell *shell, const char *text);

#endif
