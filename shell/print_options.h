/* SPDX-License-Identifier: Apache-2.0 */
/* gdb's `set print` and `show print`: how values are printed, for as long as the shell runs. */
#ifndef SHELL_PRINT_OPTIONS_H
#define SHELL_PRINT_OPTIONS_H

#include "snap/inspect/inspect.h"

/* "pretty on", "elements 4": what stands behind `set print`. */
int print_options_set(struct print_options *options, const char *words, struct sn_err *err);
/* "-pretty -elements 4 -- EXPR": sets these, and gives what stands behind "--". Without "--" there
 * are none. NULL: failed. */
const char *print_options_take(struct print_options *options, const char *words,
			       struct sn_err *err);
/* The line that says how one is set, or with "" the lines of all; malloc'd, NULL: failed. */
char *print_options_show(const struct print_options *options, const char *name, struct sn_err *err);

#endif
