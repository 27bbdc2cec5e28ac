/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line on standard error while somebody waits: "snap myapp: 3 s". It comes after half a second,
 * on a terminal only, and is gone afterwards.
 *
 *	struct progress *progress = progress_begin("snap myapp");
 *	...
 *	progress_end(progress);
 */
#ifndef SHELL_PROGRESS_H
#define SHELL_PROGRESS_H

#include <stddef.h>

struct progress;

/* NULL when nothing is to be shown, which all of these take. */
struct progress *progress_begin(const char *what);
/* So many of these are done: "verify: 12 snapshots, 3 s". */
void progress_count(struct progress *progress, size_t done, const char *of);
void progress_end(struct progress *progress);

#endif
