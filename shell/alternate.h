/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a program has switched its terminal to the alternate screen, as editors and games do:
 * who leaves the program's terminal goes back from it, who comes goes there.
 */
#ifndef SHELL_ALTERNATE_H
#define SHELL_ALTERNATE_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed: not switched. */
struct alternate {
	size_t at; /* bytes of the sequence that were the last ones */
	bool on;
};

/* To the alternate screen, cursor saved. */
#define ALTERNATE_ENTER "\033[?1049h"
/* Back, with the cursor shown, keys and attributes as usual. */
#define ALTERNATE_LEAVE "\033[?1049l\033[?25h\033[?1l\033>\033[?2004l\033[m"

/* What the program prints, piece by piece. */
void alternate_watch(struct alternate *alternate, const char *bytes, size_t len);

#endif
