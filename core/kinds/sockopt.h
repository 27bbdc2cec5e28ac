/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of sockets, as one table: read from a socket into SocketOption messages, written
 * from them to another one.
 *
 * A model holds the options that are not what a new socket has, and those whose default is
 * the system's to choose (buffer sizes, keep-alive times). An option that is not in the
 * model has its default, so correcting a living socket is the same call as setting
 * up a new one: what differs is written, in the order of the table.
 *
 * Both sides work on a descriptor of our own (pidfd_getfd, the same open file): an
 * option is a matter of the socket, and we may have a capability that the target gave up
 * after it had set the option.
 *
 * Sources: socket(7), ip(7), ipv6(7), tcp(7), udp(7), unix(7).
 */
#ifndef CORE_KINDS_SOCKOPT_H
#define CORE_KINDS_SOCKOPT_H

#include "core/base/err.h"
#include "proto/image.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

/* What a socket is, or'ed: which rows of the table are about it. */
enum {
	SOCKOPT_UNIX = 1 << 0,
	SOCKOPT_IP = 1 << 1,  /* IPv4 and IPv6 */
	SOCKOPT_IP6 = 1 << 2, /* IPv6 alone */
	SOCKOPT_TCP = 1 << 3,
	SOCKOPT_UDP = 1 << 4,
	/* A TCP connection: only what an application sets and keeps, for there may be many
	 * thousands of them, and most other values follow the traffic. */
	SOCKOPT_CONNECTED = 1 << 5,
};

/*
 * Appends to *options (as protobuf-c keeps a repeated field). Fails for what can be seen
 * but not read: an attached BPF program.
 */
int sockopt_read(int fd, unsigned what, Sn__SocketOption ***options, size_t *count,
		 struct sn_err *err);

/* Called with an option that could not be written, by its name, and the error number. */
typedef void sockopt_failed_fn(void *arg, const char *name, int code);

void sockopt_write(int fd, unsigned what, Sn__SocketOption *const *options, size_t count,
		   sockopt_failed_fn *failed, void *arg);

/* Whether two models have the same options: nothing to write. */
bool sockopt_equal(Sn__SocketOption *const *a, size_t a_count, Sn__SocketOption *const *b,
		   size_t b_count);

/* The name of an option as it is in the manual pages ("SO_REUSEADDR"), NULL when the table does
 * not have it. */
const char *sockopt_name(int level, int name);

#endif
