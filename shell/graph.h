/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drawing a history whose snapshots have one parent each, newest first, line by line:
 *
 *	* 5        column i is at character 2 i
 *	| * 4      a column waits for one snapshot, the parent of what was drawn last in it
 *	|/         two that would wait for the same one join at once
 *	* 3
 *
 * So there are never more columns than branches that are open at that place.
 */
#ifndef SHELL_GRAPH_H
#define SHELL_GRAPH_H

#include <stddef.h>
#include <stdint.h>

struct graph {
	int64_t *waits; /* a column: the snapshot that comes next in it */
	size_t count, cap;
};

/* Draws the next snapshot: `mark` where it is, "|" where others pass. What leads on to the
 * line below it goes to *link, NULL when nothing changes. Both are malloc'd. parent: 0 none;
 * every parent has to come later. */
char *graph_add(struct graph *graph, int64_t id, int64_t parent, char mark, char **link);
void graph_release(struct graph *graph);

#endif
