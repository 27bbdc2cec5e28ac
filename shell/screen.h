/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What results are shown on: whether it is a terminal, how large, whether it takes colours; and
 * a pager for what is longer than it.
 */
#ifndef SHELL_SCREEN_H
#define SHELL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

struct screen {
	bool terminal;
	bool dumb;     /* it knows no escape sequences */
	bool colour;   /* a terminal that is not dumb, and NO_COLOR is not set */
	size_t width;  /* of a line in characters; SIZE_MAX when it is no terminal */
	size_t height; /* in lines; 0: unknown, or no terminal */
};

/* SGR parameters of what is shown. */
#define SCREEN_ID "33"
#define SCREEN_HERE "1;32"
#define SCREEN_TAG "1;36"
#define SCREEN_DIM "2"
#define SCREEN_BOLD "1"
#define SCREEN_ERROR "1;31"

/* Of a descriptor. */
struct screen screen_of(int fd);

/*
 * Prints a text on standard output: through $SNAPSH_PAGER, else $PAGER, else "less -FRX", when
 * the screen is a terminal, not dumb, and the text has more lines than it. "" or "cat" is no
 * pager. Waits for the pager's end; Ctrl-C is the pager's meanwhile. What a pager leaves unread
 * is no failure.
 */
void screen_page(const struct screen *screen, const char *text, size_t len);

/* How many lines of the terminal a text takes; escape sequences take no room. */
size_t screen_lines(const struct screen *screen, const char *text, size_t len);

#endif
