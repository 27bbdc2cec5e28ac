/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs in the structure of two moments, by what a person asks for. Memory, stacks and
 * variables are in snap/inspect/compare.h.
 */
#ifndef SNAP_DIFF_H
#define SNAP_DIFF_H

#include "proto/image.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

enum diff_section {
	DIFF_TREE,
	DIFF_THREADS,
	DIFF_STACKS,
	DIFF_VARIABLES,
	DIFF_MEMORY,
	DIFF_MAPPINGS,
	DIFF_DESCRIPTORS,
	DIFF_FILES,
	DIFF_SIGNALS,
	DIFF_TIMERS,
	DIFF_CREDENTIALS,
	DIFF_SETTINGS,
	DIFF_SECTIONS,
};

/* "tree", "threads", ... */
const char *diff_section_name(enum diff_section section);

/* Whether the generic differ's path is that of the time when an image was taken: no difference. */
bool diff_is_clock(const char *path);

/* "fd 3 (/tmp/log): pos_bytes", "limits.nofile.soft"; one of from and to may be NULL. */
struct structure_change {
	enum diff_section section;
	char *name;
	char *from, *to;
};

/*
 * The first tasks of both are compared, whatever their pids are. Registers, and mappings as such,
 * are left out. moved: two lives, of which addresses and threads say nothing.
 */
void diff_structure(const Sn__Image *from, const Sn__Image *to, bool moved,
		    struct structure_change **list, size_t *count);
void structure_changes_free(struct structure_change *list, size_t count);

#endif
