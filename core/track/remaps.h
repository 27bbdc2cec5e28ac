/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Was shared memory mapped once more, if only for a while? Internal to core/track.
 *
 * mremap(2) with an old size of 0 maps it at a second place, and what is written there and
 * unmapped again leaves no mark in the first. So such memory is registered with a userfaultfd of
 * its own that tells of every mremap(2) of it. The program waits in that call until the message
 * has been read; a thread does nothing else. Memory that is not shared has no part in this.
 *
 * Source: ioctl_userfaultfd(2), UFFD_FEATURE_EVENT_REMAP.
 */
#ifndef CORE_TRACK_REMAPS_H
#define CORE_TRACK_REMAPS_H

#include "core/base/err.h"
#include "core/task/remote.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct remaps {
	int uffd;	/* what shared memory is registered with; -1: none */
	int stop;	/* an eventfd that ends the reader */
	pthread_t reader;
	atomic_bool happened;
};

/* Makes the userfaultfd in the frozen task, and reads it from now on; where no thread can be had
 * there is none, and uffd stays -1. `remaps` stays where it is meanwhile. */
int remaps_begin(struct remaps *remaps, struct remote *remote, struct sn_err *err);
void remaps_end(struct remaps *remaps); /* all registrations go; again is fine */

/* Whether there was one since the last call. */
bool remaps_happened(struct remaps *remaps);

#endif
