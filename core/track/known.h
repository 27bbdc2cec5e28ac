/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the last scan found, to scan it again for less. Internal to core/track.
 *
 * To ask the kernel which pages are there costs five times what it costs to ask which are not
 * protected ones. Of long runs of pages that were there only that is asked; where pages are
 * touched the rest is asked of them, and all of it of the memory in between.
 */
#ifndef CORE_TRACK_KNOWN_H
#define CORE_TRACK_KNOWN_H

#include "core/track/internal.h"

/* Keeps the long runs of what a scan found present; NULL: it failed, nothing is known. */
void known_set(struct tracker *t, const struct pagemap *present);

/* Whether there are such runs in a mapping. Of private anonymous memory only: nowhere else is a
 * page that was dropped told from a protected one; nor there on every kernel. */
bool known_in(const struct tracker *t, uint32_t space, const Sn__Mapping *m);

/*
 * Scans and protects a mapping as SCAN_PROTECT does, adding to part->present and part->dirty.
 * EPERM where a part of it is not registered.
 */
int known_scan(struct tracker *t, uint32_t space, const Sn__Mapping *m, struct tracked *part,
	       struct sn_err *err);

#endif
