/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the kernel about sockets by NETLINK_SOCK_DIAG, sock_diag(7): what no option of
 * a socket tells.
 *
 * The kernel answers about the network namespace of the asking socket. One of ours costs
 * some microseconds (unix_diag). Where the target lives in another namespace the target
 * itself has to ask: unix_diag_queue, a run of the remote, unix_diag_take.
 *
 * Sockets are named by inode and cookie (SO_COOKIE), so that no other socket answers.
 */
#ifndef CORE_KINDS_SOCK_DIAG_H
#define CORE_KINDS_SOCK_DIAG_H

#include "core/base/err.h"
#include "core/task/remote.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIAG_ANSWER_BYTES = 512 }; /* of one socket: some 60; of an error: some 110 */

/* What UNIX_DIAG_* say of one socket. */
struct unix_diag {
	uint32_t ino;
	uint8_t type, state;    /* SOCK_*, TCP_* of tcp(7) */
	bool has_peer;
	uint32_t peer_ino;      /* 0: the peer is closed, or not accepted yet */
	uint32_t receive_queue; /* of a listener: pending connections; else bytes */
	uint32_t send_queue;    /* of a listener: the backlog; else bytes */
	uint8_t shutdown;       /* SHUTDOWN_RECEIVE | SHUTDOWN_SEND */
};

/* About the unix socket that our descriptor `fd` is, with inode `ino`. */
int unix_diag(int fd, uint32_t ino, struct unix_diag *diag, struct sn_err *err);

/* The same, asked by the target: what is to be taken when the remote has run. */
struct unix_diag_asked {
	const uint8_t *answer;
	const struct remote_call *call;
};
void unix_diag_queue(int fd, uint32_t ino, struct remote *remote, struct unix_diag_asked *asked);
int unix_diag_take(const struct unix_diag_asked *asked, struct unix_diag *diag,
		   struct sn_err *err);

/* Reads one answer; pure. Fails with the kernel's own error, or on a malformed one. */
int unix_diag_parse(const uint8_t *answer, size_t len, struct unix_diag *diag,
		    struct sn_err *err);

/* The four ends of a TCP connection as the kernel has it: addresses in network order. */
struct tcp_ends {
	int family;
	uint8_t local[16], remote[16]; /* the first four bytes for AF_INET */
	uint16_t local_port, remote_port;
};

/*
 * Ends the remains of a TCP connection that nobody holds (TIME_WAIT and its like) in the
 * network namespace of the caller: SOCK_DESTROY, needs CAP_NET_ADMIN and a kernel with
 * CONFIG_INET_DIAG_DESTROY.
 */
int tcp_destroy(const struct tcp_ends *ends, struct sn_err *err);

#endif
