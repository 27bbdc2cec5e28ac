/* SPDX-License-Identifier: Apache-2.0 */
/* Taking a snapshot as part of another use case. Internal to snap/. */
#ifndef SNAP_TAKE_H
#define SNAP_TAKE_H

#include "snap/session.h"

/* snap_take of a process that lives and has been looked at: `hints` of collect_prepare.
 * begun: when the whole command was, monotonic ns. */
int take(struct session *session, const struct take_options *options,
	 const struct collect_hints *hints, uint64_t begun, struct catalog_snapshot *taken,
	 struct sn_err *err);

#endif
