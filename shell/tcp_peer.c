// SPDX-License-Identifier: Apache-2.0
/*
 * proc_net_tcp(5): a line a socket: its address and its peer's in hexadecimal, as the memory of
 * a little-endian machine has them; further on its user and its inode. A socket that no process
 * holds any more has inode 0 and is root's: it must not count as root. A socket of AF_INET6
 * can be at 127.0.0.1, too, by an address that is mapped; those are in tcp6.
 */
#include "shell/tcp_peer.h"

#include "core/base/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

static bool is_loopback(const char *address)
{
	return strcmp(address, "0100007F") == 0 ||
	       strcmp(address, "0000000000000000FFFF00000100007F") == 0;
}

bool tcp_owner(FILE *table, uint16_t port, uint16_t peer_port, uid_t *uid)
{
	char line[512], address[33], peer_address[33];

	while (fgets(line, sizeof(line), table)) {
		unsigned at, peer_at, owner;
		unsigned long inode;

		if (sscanf(line,
			   " %*u: %32[0-9A-F]:%4x %32[0-9A-F]:%4x %*x %*x:%*x %*x:%*x %*x %u"
			   " %*u %lu",
			   address, &at, peer_address, &peer_at, &owner, &inode) != 6)
			continue;
		if (!is_loopback(address) || at != port || !is_loopback(peer_address) ||
		    peer_at != peer_port || !inode)
			continue;
		*uid = owner;
		return true;
	}
	return false;
}

static bool find_owner(const char *path, uint16_t port, uint16_t peer_port, uid_t *uid)
{
	sn_auto_file FILE *table = fopen(path, "re");

	return table && tcp_owner(table, port, peer_port, uid);
}

int tcp_peer_allowed(int fd, struct sn_err *err)
{
	struct sockaddr_in own, peer;
	socklen_t own_size = sizeof(own), peer_size = sizeof(peer);
	uint16_t port, peer_port;
	uid_t uid;

	if (getsockname(fd, (struct sockaddr *)&own, &own_size) < 0 ||
	    getpeername(fd, (struct sockaddr *)&peer, &peer_size) < 0)
		return sn_fail_sys(err, "find out who connects");
	/* from another address the same port may be somebody else's */
	if (peer.sin_family != AF_INET || peer.sin_addr.s_addr != htonl(INADDR_LOOPBACK) ||
	    own.sin_addr.s_addr != htonl(INADDR_LOOPBACK))
		return sn_fail(err, "refused a connection from an address that is not 127.0.0.1");
	port = ntohs(own.sin_port);
	peer_port = ntohs(peer.sin_port);
	/* the peer's socket: ours is its peer */
	if (!find_owner("/proc/self/net/tcp", peer_port, port, &uid) &&
	    !find_owner("/proc/self/net/tcp6", peer_port, port, &uid))
		return sn_fail(err, "refused a connection: it is not known whose it is");
	if (uid != geteuid() && uid != 0)
		return sn_fail(err, "refused a connection of user %u", uid);
	return 0;
}
