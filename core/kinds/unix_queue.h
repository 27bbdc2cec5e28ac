/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that wait to be received from a unix socket, seen through a descriptor of our own
 * (pidfd_getfd: the same socket) while its owner is frozen.
 *
 * Reading consumes nothing: MSG_PEEK. One call shows the whole queue of a stream and
 * the first message of a datagram socket; for the messages behind it, or when the application
 * has set one, SO_PEEK_OFF has to be changed for a moment, and is put back on every way out.
 *
 * An error that waits (ECONNRESET) would be taken by a look at datagrams, so there is none.
 *
 * A fact to know: once an empty message that is not the first has been peeked at, no
 * later peek shows it again; a second snapshot of the same queue does not have it.
 *
 * Sources: recv(2), unix(7), socket(7).
 */
#ifndef CORE_KINDS_UNIX_QUEUE_H
#define CORE_KINDS_UNIX_QUEUE_H

#include "core/base/err.h"
#include "proto/image.pb-c.h"

#include <stdbool.h>

/*
 * Appends what waits to socket->queued and its senders' addresses to queued_from. socket->type is
 * filled in. Refuses messages that carry descriptors, and what cannot be peeked at.
 */
int unix_queue_peek(int fd, Sn__UnixSocket *socket, struct sn_err *err);

/* Throws away what waits. */
int unix_queue_drain(int fd, uint32_t type, struct sn_err *err);

bool unix_queue_equal(const Sn__UnixSocket *a, const Sn__UnixSocket *b);

/* Lets the sender `fd` have all that waits at `socket` in flight, as far as we may. The
 * sender's options want to be written again afterwards. */
void unix_queue_make_room(int fd, const Sn__UnixSocket *socket);

#endif
