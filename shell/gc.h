/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc in the background: a process of its own that gives room back with nobody waiting, at the
 * lowest priority, and ends. One that finds another at work ends at once.
 */
#ifndef SHELL_GC_H
#define SHELL_GC_H

#include "catalog/catalog.h"

enum { GC_DROPS = 64 }; /* after so many it is worth it */

/* Starts one when that many were dropped. That it cannot be started is no failure: any later one
 * does the same. */
void gc_after_drop(const struct catalog *cat, size_t dropped);

/* What main() calls for the role "gc". */
int gc_main(void);

#endif
