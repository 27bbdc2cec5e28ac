/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small plot of numbers for a terminal: bars from the least of them up, so that the least is one
 * step high and the greatest fills all lines.
 *
 *	900 |      ####
 *	    |  ..######
 *	100 |.#########
 */
#ifndef SHELL_PLOT_H
#define SHELL_PLOT_H

#include <stdbool.h>
#include <stddef.h>

struct plot {
	size_t width;  /* of a line in characters, labels and all */
	size_t height; /* lines, at least 1 */
	bool blocks;   /* eighths of a character in UTF-8; else "#", and "." for a half */
	const char *top, *bottom; /* labels: the greatest and the least */
};

/*
 * The lines, each with its newline; malloc'd. What is not finite is a gap. Where there are more
 * numbers than columns, a column is the greatest of its own; where there are fewer, a number has
 * several. "": there is no number, or no room.
 */
char *plot_draw(const struct plot *plot, const double *values, size_t count);

/* Whether the locale of the environment has UTF-8, by its name: locale(7). */
bool plot_has_blocks(void);

#endif
