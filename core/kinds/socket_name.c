// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/socket_name.h"

#include "core/base/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* ---- addresses ---- */

const char *unix_address_name(const void *path, size_t len, char *buf, size_t size)
{
	const char *text = path;
	size_t i, n = len < size ? len : size - 1;

	if (len == 0) {
		snprintf(buf, size, "nowhere");
		return buf;
	}
	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		/* NUL as @ everywhere, as /proc/net/unix has it */
		buf[i] = c == '\0' ? '@' : c < ' ' || c == 0x7f ? '?' : (char)c;
	}
	buf[n] = '\0';
	return buf;
}

static const char *inet_name(int family, const void *address, unsigned port, char *buf,
			     size_t size)
{
	char text[INET6_ADDRSTRLEN];

	if (!inet_ntop(family, address, text, sizeof(text)))
		snprintf(text, sizeof(text), "?");
	snprintf(buf, size, family == AF_INET6 ? "[%s]:%u" : "%s:%u", text, port);
	return buf;
}

const char *socket_address_name(const void *address, size_t len, char *buf, size_t size)
{
	sa_family_t family = AF_UNSPEC;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (len >= sizeof(family))
		memcpy(&family, address, sizeof(family));
	if (family == AF_INET && len >= sizeof(in)) {
		memcpy(&in, address, sizeof(in));
		return inet_name(AF_INET, &in.sin_addr, ntohs(in.sin_port), buf, size);
	}
	if (family == AF_INET6 && len >= sizeof(in6)) {
		memcpy(&in6, address, sizeof(in6));
		return inet_name(AF_INET6, &in6.sin6_addr, ntohs(in6.sin6_port), buf, size);
	}
	if (family == AF_UNIX) {
		const char *path = (const char *)address + sizeof(family);
		size_t path_len = len - sizeof(family);

		return unix_address_name(path, path_len && path[0] ? strnlen(path, path_len)
								   : path_len, buf, size);
	}
	snprintf(buf, size, "nowhere");
	return buf;
}

/* ---- for the kinds ---- */

int socket_fd(const struct applying *a, uint32_t file_id)
{
	size_t i;

	for (i = 0; a->want_task && i < a->want_task->n_descriptors; i++)
		if (a->want_task->descriptors[i]->file_id == file_id)
			return (int)a->want_task->descriptors[i]->fd;
	return -1;
}

void socket_option_failed(void *socket_notes, const char *name, int code)
{
	struct socket_notes *notes = socket_notes;

	applying_note(notes->a, "fd %d: %s stays as it is: %s",
		      socket_fd(notes->a, notes->file_id), name, strerror(code));
}
