/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc in the background: a process of its own that gives room back with nobody waiting, at the
 * lowest priority, and ends. One that finds another at work ends at once.
 */
#ifndef SHELL_GC_H
#define SHELL_GC_H

#include "catalog/catalog.h"

/* What has been done since the last. */
struct gc_due {
	size_t dropped; /* snapshots */
	size_t taken;	/* each leaves the pages of the next in more pieces */
};

/* Starts one when it is worth it, and counts anew. That it cannot be started is no failure: any
 * later one does the same. */
void gc_when_due(const struct catalog *cat, struct gc_due *due);

/* What main() calls for the role "gc". */
int gc_main(void);

#endif
