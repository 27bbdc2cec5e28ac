/* SPDX-License-Identifier: Apache-2.0 */
/* A session's process, frozen and read: one guard for all of it. Internal to snap/. */
#ifndef SNAP_FREEZE_H
#define SNAP_FREEZE_H

#include "snap/session.h"

struct frozen {
	struct task task;
	struct remote *remote;
	Sn__Image *image; /* its model */
	uint64_t hole;    /* the window's place, see collect() */
};

/* for_model: what it is to become, NULL: it goes on as it is. */
int freeze(struct frozen *frozen, struct session *session, const struct collect_hints *hints,
	   const Sn__Image *for_model, struct sn_err *err);

/* Lets it go on; how long it stood still, in ns. */
uint64_t thaw(struct frozen *frozen);

/* The guard: thaws on every way out. */
void frozen_release(struct frozen *frozen);

#endif
