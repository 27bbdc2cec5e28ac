/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets that no kind knows, by the name a person would look up. */
#ifndef CORE_KINDS_SOCKET_DESCRIBE_H
#define CORE_KINDS_SOCKET_DESCRIBE_H

#include "core/kinds/kind.h"

#include <stddef.h>

/*
 * Names the socket our descriptor `local_fd` is, for the refusal of one that no kind
 * recognises: "netlink socket (NETLINK_ROUTE)". -1 when it is no socket. `probe` may be NULL.
 */
int socket_describe(const struct file_probe *probe, int local_fd, char *buf, size_t size);

#endif
