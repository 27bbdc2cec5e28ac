/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has an address that is wanted back: /proc/PID/net/{tcp,tcp6,udp,udp6,unix} say which
 * socket (by inode), /proc/PID/fd whose it is. Asked when binding has failed, so it may take
 * its time.
 *
 * Source: proc_pid_net(5). The tables are those of the process's network namespace.
 */
#ifndef CORE_KINDS_SOCKET_HOLDER_H
#define CORE_KINDS_SOCKET_HOLDER_H

#include "core/kinds/sock_diag.h"
#include "proto/image.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One line of /proc/net/tcp and its like. */
struct inet_line {
	struct tcp_ends ends;
	unsigned state;     /* TCP_* of tcp(7); 7 of an unconnected UDP socket */
	unsigned left_s;    /* until the kernel forgets a closing one, rounded up */
	uint64_t ino;       /* 0: no process has it */
};

/* Reads one line, without its newline; false for the heading and what is no such line. Pure. */
bool inet_line_parse(const char *line, int family, struct inet_line *parsed);

/* Whether the local address of a line is in the way of binding `address` (struct sockaddr). */
bool inet_line_conflicts(const struct inet_line *line, const void *address, size_t len);

/* Whether it is what remains of a connection that no process holds any more. */
bool inet_line_remains(const struct inet_line *line);

/*
 * Says who has an inet address of a protocol (IPPROTO_TCP, IPPROTO_UDP): "4711 (nginx)", "a closing
 * connection, for 57 s more", "another process". Returns buf.
 */
const char *inet_holder(pid_t pid, int protocol, const void *address, size_t len, char *buf,
			size_t size);

/* Ends the remains of TCP connections that are in the way of an address; how many there were. */
unsigned inet_clear_remains(pid_t pid, const void *address, size_t len);

/* Inode in a line of /proc/net/unix when that socket is bound to a UnixSocket.address, else 0. */
uint64_t unix_line_parse(const char *line, const void *address, size_t len);

/* Who is bound to a unix address. Returns buf. */
const char *unix_holder(pid_t pid, const void *address, size_t len, char *buf, size_t size);

#endif
