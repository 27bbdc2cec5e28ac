/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines into commands: typed at a terminal, piped, out of a file, out of an argument.
 *
 * A line is one command, or several with ";" between them, outside of quotes. When one fails
 * those behind it on the line are left out.
 */
#ifndef SHELL_REPL_H
#define SHELL_REPL_H

#include "shell/shell.h"

/* Until the end of input or `quit`. Exit status: 0 at a terminal, else the last command's. */
int repl_run(struct shell *shell);

#endif
