/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines for people: cut to the terminal's width, with colours where it has them, and nothing in
 * them that a terminal would obey.
 *
 *	struct paper paper = paper_of(out, &rq->screen);
 *	paper_put(&paper, SCREEN_ID, "3");
 *	paper_end_line(&paper);
 */
#ifndef SHELL_PAPER_H
#define SHELL_PAPER_H

#include "shell/screen.h"

#include <stdio.h>

struct paper {
	FILE *out;
	size_t width; /* of a line in characters */
	size_t left;  /* of this one */
	bool colour;
};

struct paper paper_of(FILE *out, const struct screen *screen);
/* As much of the text as there is room for; colour: an SGR parameter or NULL. */
void paper_put(struct paper *paper, const char *colour, const char *text);
void paper_format(struct paper *paper, const char *colour, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void paper_end_line(struct paper *paper);

#endif
