/* SPDX-License-Identifier: Apache-2.0 */
/* The middle of the manual page snapsh(1): options and commands, made of the table. */
#ifndef SHELL_MANUAL_H
#define SHELL_MANUAL_H

/* In the man macros of roff; malloc'd. */
char *manual_commands(void);

#endif
