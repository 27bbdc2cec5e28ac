/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is at the other end of a TCP connection on this machine. TCP has no SO_PEERCRED; but the
 * other end is a socket of this kernel, too, and /proc/net/tcp says whose each one is.
 */
#ifndef SHELL_TCP_PEER_H
#define SHELL_TCP_PEER_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* The user of the socket bound to 127.0.0.1:port and connected to 127.0.0.1:peer_port, from a
 * stream of /proc/net/tcp's form. False: there is none that a process holds. */
bool tcp_owner(FILE *table, uint16_t port, uint16_t peer_port, uid_t *uid);

/* Whether the peer of a connected socket is the same user, or root. Fails, saying who it is. */
int tcp_peer_allowed(int fd, struct sn_err *err);

#endif
