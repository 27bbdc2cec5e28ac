/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling memory that has no pages yet, from the catalog, on several threads: each reads a slice
 * and places it, already tracked where the tracker can do that. Internal to snap/.
 */
#ifndef SNAP_FRESH_H
#define SNAP_FRESH_H

#include "snap/session.h"

/* `pages`: keys of anonymous memory of the process, and where the catalog has them. Zeros are
 * there already. *written counts those that were not. */
int fresh_fill(struct session *session, const struct pagemap *pages, uint64_t *written,
	       struct sn_err *err);

#endif
