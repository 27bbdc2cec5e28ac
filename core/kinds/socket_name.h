/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets and their addresses as a person reads them. */
#ifndef CORE_KINDS_SOCKET_NAME_H
#define CORE_KINDS_SOCKET_NAME_H

#include "core/kinds/kind.h"
#include "core/kinds/socket_describe.h"

#include <stddef.h>

enum { SOCKET_NAME_BYTES = 160 }; /* room for any address */

/*
 * A struct sockaddr of `len` bytes: "127.0.0.1:6379", "[::1]:80", "/run/x.sock",
 * "@abstract", "nowhere" for no address at all. Returns buf.
 */
const char *socket_address_name(const void *address, size_t len, char *buf, size_t size);

/* The same for UnixSocket.address: what is in sun_path. */
const char *unix_address_name(const void *path, size_t len, char *buf, size_t size);

/* The number by which the wanted task knows an open file description; -1: none. */
int socket_fd(const struct applying *a, uint32_t file_id);

/* What was set on a socket and is refused now, as a note: "fd 7: SO_MARK stays as it is: ...". */
struct socket_notes {
	struct applying *a;
	uint32_t file_id;
};
void socket_option_failed(void *socket_notes, const char *name, int code);

#endif
