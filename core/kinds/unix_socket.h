/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unix sockets, unix(7): unconnected, bound, listening; socket pairs and connections.
 *
 * A connection whose both ends are in the image is made as a socket pair, with what waits in
 * both directions and what was shut down. Where the other end belongs to somebody else the
 * connection cannot be had again: its socket reads what had arrived, then the end of file,
 * as if the other side had closed; a note says so. A datagram socket is connected to its
 * peer's address again. In a living process a connection to the outside goes on from now.
 *
 * What is known of a socket and not restored: connections not yet accepted (noted), an
 * accepted socket's own name when it is remade (it is the listener's address), credentials
 * of others in messages that wait.
 */
#ifndef CORE_KINDS_UNIX_SOCKET_H
#define CORE_KINDS_UNIX_SOCKET_H

#include "core/kinds/kind.h"

extern const struct kind kind_unix_socket;

#endif
