/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line on standard error while somebody waits: "gc: 40 %, 3 s". It comes after half a second,
 * on a terminal only, and is gone afterwards.
 *
 *	struct progress *progress = progress_begin("gc", cat);
 *	...
 *	progress_end(progress);
 */
#ifndef SHELL_PROGRESS_H
#define SHELL_PROGRESS_H

#include "catalog/catalog.h"

#include <jansson.h>

struct progress;

/* How far it is the catalog tells meanwhile (catalog_watch), NULL: nobody does. NULL when nothing
 * is to be shown, which all of these take. */
struct progress *progress_begin(const char *what, struct catalog *cat);
/* So many of these are done: "verify: 12 snapshots, 3 s". */
void progress_count(struct progress *progress, size_t done, const char *of);
/* The answer of a keeper that was asked with "progress": true, and tells meanwhile how far it is:
 * {"progress": [done, total]}. As wire_receive. */
int progress_answer(struct progress *progress, int fd, json_t **answer, struct sn_err *err);
void progress_end(struct progress *progress);

#endif
