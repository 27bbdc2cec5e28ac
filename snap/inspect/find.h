/* SPDX-License-Identifier: Apache-2.0 */
/* How a search is said. Internal to snap/inspect/. */
#ifndef SNAP_INSPECT_FIND_H
#define SNAP_INSPECT_FIND_H

#include "snap/inspect/parse.h"

struct find_format {
	char size;    /* b, h, w, g; 0: that of each value */
	bool has_max;
	size_t max;
};

/* "/b /2 ...", "/2b ...": *text moves behind it. */
int find_parse_format(const char **text, struct find_format *format, struct sn_err *err);

/* Bytes to look for; release with free(bytes). */
struct find_pattern {
	uint8_t *bytes;
	size_t len;
};

/* Appends a value, or a number of the size that is asked for. */
int find_pattern_add(const struct context *context, struct find_pattern *pattern,
		     const struct node *node, char size, struct sn_err *err);

struct find_range {
	uint64_t start, end;
	uint64_t readable; /* the first address that cannot be read; `end`: all can */
	size_t pattern_len;
};

/*
 * How many of the hits gdb gets to see, which reads pieces of 16000 bytes and begins anew behind
 * each hit. goes_on: also behind the last. *unread: the piece that it cannot read, empty when it
 * reads all.
 */
size_t find_reached(const struct find_hit *hits, size_t count, bool goes_on,
		    const struct find_range *range, struct find_range *unread);

#endif
