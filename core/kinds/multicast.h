/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multicast memberships of UDP sockets, ip(7), with their source filters (RFC 3678).
 *
 * No call lists the groups of a socket. /proc/PID/net/igmp and igmp6 list those of all
 * interfaces of the network namespace, and MCAST_MSFILTER tells of one group and interface
 * whether the socket is a member. A membership is kept as such an option: struct group_filter as
 * read, in the list of the socket's other options.
 */
#ifndef CORE_KINDS_MULTICAST_H
#define CORE_KINDS_MULTICAST_H

#include "core/base/err.h"
#include "core/kinds/sockopt.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/types.h>

struct multicast_group {
	int level; /* IPPROTO_IP, IPPROTO_IPV6 */
	uint32_t interface;
	struct sockaddr_storage group;
};

/* The next group in the text of igmp or igmp6; *at starts at the text, *interface at 0, and
 * both are kept between the calls. False at the end. Pure. */
bool multicast_next(const char **at, int family, uint32_t *interface,
		    struct multicast_group *group);

/* Appends the memberships of `fd`, a UDP socket of this family that process `pid` has. */
int multicast_read(pid_t pid, int fd, int family, Sn__SocketOption ***options, size_t *count,
		   struct sn_err *err);

/* Leaves and joins until the socket, a member of what `have` lists, is one of what `want` does. */
void multicast_write(int fd, Sn__SocketOption *const *have, size_t have_count,
		     Sn__SocketOption *const *want, size_t want_count,
		     sockopt_failed_fn *failed, void *arg);

#endif
