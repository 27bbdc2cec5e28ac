/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Using an application's terminal from this one: what is typed here goes there as it
 * is, what is printed there comes out here, until the application ends or Ctrl-].
 */
#ifndef SHELL_TERMINAL_H
#define SHELL_TERMINAL_H

#include "core/base/err.h"

#include <stdbool.h>

/* Rows and columns of this terminal; both 0 when standard input is none. */
void terminal_size(unsigned *rows, unsigned *cols);

/*
 * replay: first what was printed since the application's start. *left: the person
 * left (or a signal came, or standard output was closed); else the console ended,
 * which is when the application does.
 */
int terminal_use(int apps_dir, const char *name, bool replay, bool *left, struct sn_err *err);

#endif
