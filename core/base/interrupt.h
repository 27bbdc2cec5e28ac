/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ctrl-C at the shell while a command works in the shell's own process. The shell's handler
 * ends a wait (EINTR) and leaves SIGINT blocked and pending, so that loops can see it without
 * a variable that all share:
 *
 *	if (sn_interrupted())
 *		return sn_fail_code(err, EINTR, ...);
 *
 * Where SIGINT is not blocked it is never pending, and ends the process as usual.
 */
#ifndef CORE_BASE_INTERRUPT_H
#define CORE_BASE_INTERRUPT_H

#include <stdbool.h>

/* Somebody wants this to end. One sigpending(2). */
bool sn_interrupted(void);

#endif
