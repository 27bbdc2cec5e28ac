/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP (MPTCP too) and UDP sockets, IPv4 and IPv6: tcp(7), udp(7), ip(7), ipv6(7).
 *
 * An established TCP connection has its other half in another process, mostly on another
 * machine, which does not go back with us. In a living process it stays and goes on
 * from now; in a new process it becomes a socket that is not connected, and a note says so.
 *
 * A listener's port must be free. Closing connections of its former life hold it for a minute
 * unless SO_REUSEADDR was set; with CAP_NET_ADMIN they are ended (SOCK_DESTROY).
 *
 * What is known of a socket and not restored: connections not yet accepted (noted), datagrams
 * that wait.
 */
#ifndef CORE_KINDS_INET_SOCKET_H
#define CORE_KINDS_INET_SOCKET_H

#include "core/kinds/kind.h"

extern const struct kind kind_inet_socket;

#endif
