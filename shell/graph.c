// SPDX-License-Identifier: Apache-2.0
#include "shell/graph.h"

#include "core/base/mem.h"

#include <string.h>

void graph_release(struct graph *graph)
{
	free(graph->waits);
	*graph = (struct graph){.count = 0};
}

/* The column that waits for a snapshot, or count. */
static size_t find(const struct graph *graph, int64_t id)
{
	size_t i = 0;

	while (i < graph->count && graph->waits[i] != id)
		i++;
	return i;
}

static void add_column(struct graph *graph)
{
	if (graph->count == graph->cap) {
		graph->cap = graph->cap ? 2 * graph->cap : 8;
		graph->waits = sn_realloc(graph->waits, graph->cap, sizeof(*graph->waits));
	}
	graph->waits[graph->count++] = 0;
}

/* "|" in the first `columns` columns, and nothing behind the last of `all`. */
static char *line_of(size_t columns, size_t all)
{
	char *line = sn_malloc(2 * all + 1);

	memset(line, ' ', 2 * all);
	for (size_t i = 0; i < columns; i++)
		line[2 * i] = '|';
	line[2 * all - 1] = '\0';
	return line;
}

/* Takes a column away, into the one at `into` or (== column) into nothing. */
static char *close_column(struct graph *graph, size_t column, size_t into)
{
	char *line = NULL;

	if (into < column || column + 1 < graph->count)
		line = line_of(column, graph->count);
	for (size_t i = into + 1; i < column; i++)
		line[2 * i - 1] = '_';
	for (size_t i = into < column ? column : column + 1; i < graph->count; i++)
		line[2 * i - 1] = '/'; /* moves one to the left */
	if (line)
		line[2 * graph->count - 2] = '\0';
	graph->count--;
	memmove(graph->waits + column, graph->waits + column + 1,
		(graph->count - column) * sizeof(*graph->waits));
	return line;
}

char *graph_add(struct graph *graph, int64_t id, int64_t parent, char mark, char **link)
{
	size_t column = find(graph, id), other;
	char *line;

	if (column == graph->count)
		add_column(graph);
	line = line_of(graph->count, graph->count);
	line[2 * column] = mark;
	other = parent ? find(graph, parent) : column;
	*link = NULL;
	if (!parent) {
		*link = close_column(graph, column, column);
	} else if (other == graph->count) {
		graph->waits[column] = parent;
	} else if (other < column) {
		*link = close_column(graph, column, other);
	} else { /* it comes over to us */
		graph->waits[column] = parent;
		*link = close_column(graph, other, column);
	}
	return line;
}
