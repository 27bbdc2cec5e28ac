/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queueing the messages that waited at a unix socket again: sent by the target itself, so that
 * they carry its credentials (SO_PASSCRED), as they did when the sender was one of its own.
 */
#ifndef CORE_KINDS_UNIX_FILL_H
#define CORE_KINDS_UNIX_FILL_H

#include "core/kinds/kind.h"

enum { UNIX_FILL_MESSAGE_BYTES = 1024 * 1024 }; /* a message that can be sent with certainty */

/* From the other end, descriptor `peer_fd` of the target. Its options want to be written again
 * if anything was queued: its buffer was made large enough. Runs. */
int unix_fill_from_peer(struct applying *a, const Sn__OpenFile *want, int peer_fd,
			struct sn_err *err);

/* Datagrams of senders who are not here, to the bound socket `want`: from a new socket each,
 * for they had no common buffer. Notes senders' names that are lost. Runs. */
int unix_fill_from_nobody(struct applying *a, const Sn__OpenFile *want, struct sn_err *err);

#endif
