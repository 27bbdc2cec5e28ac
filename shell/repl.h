/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interactive shell: lines into the same commands. A prompt and editing when
 * standard input is a terminal, else just the lines of it.
 */
#ifndef SHELL_REPL_H
#define SHELL_REPL_H

#include "shell/shell.h"

/* Until the end of input or `quit`. Exit status: 0 at a terminal, else the last command's. */
int repl_run(struct shell *shell);

#endif
