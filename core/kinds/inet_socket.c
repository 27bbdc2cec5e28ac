// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/inet_socket.h"

#include "core/base/guard.h"
#include "core/kinds/multicast.h"
#include "core/kinds/socket_holder.h"
#include "core/kinds/socket_name.h"
#include "core/kinds/sockopt.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum { TCP_STATE_CLOSE = 7, TCP_STATE_LISTEN = 10 }; /* netinet/tcp.h, which linux/tcp.h bars */

#define STATE_IDLE SN__INET_SOCKET__STATE__IDLE
#define STATE_BOUND SN__INET_SOCKET__STATE__BOUND
#define STATE_LISTENING SN__INET_SOCKET__STATE__LISTENING
#define STATE_CONNECTED SN__INET_SOCKET__STATE__CONNECTED

typedef Sn__InetSocket Socket;

static bool recognise(const struct file_probe *probe)
{
	return probe->socket_family == AF_INET || probe->socket_family == AF_INET6;
}

static bool is_tcp(const Socket *s)
{
	return s->type == SOCK_STREAM;
}

static unsigned options_of(const Socket *s)
{
	return (unsigned)SOCKOPT_IP | (s->family == AF_INET6 ? SOCKOPT_IP6 : 0) |
	       (is_tcp(s) ? SOCKOPT_TCP : SOCKOPT_UDP) |
	       (is_tcp(s) && s->state == STATE_CONNECTED ? SOCKOPT_CONNECTED : 0);
}

/* ---- reading ---- */

static int read_what(int fd, const struct file_probe *probe, Socket *s, struct sn_err *err)
{
	char what[128];
	int type, protocol;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) < 0)
		return sn_fail_sys(err, "read the type of a socket");
	s->family = (uint32_t)probe->socket_family;
	s->type = (uint32_t)type;
	s->protocol = (uint32_t)protocol;
	if ((type == SOCK_STREAM && (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP)) ||
	    (type == SOCK_DGRAM && protocol == IPPROTO_UDP))
		return 0;
	if (socket_describe(probe, fd, what, sizeof(what)) < 0)
		snprintf(what, sizeof(what), "socket");
	return sn_fail(err, "%s is not handled", what);
}

/* Whether an address is more than the family: a port, or an address of its own. */
static bool is_bound(const struct sockaddr_in6 *in6)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)in6;
	static const struct in6_addr any;

	if (in6->sin6_port) /* at the same place in both */
		return true;
	if (in6->sin6_family == AF_INET)
		return in->sin_addr.s_addr != INADDR_ANY;
	return memcmp(&in6->sin6_addr, &any, sizeof(any)) != 0;
}

static int read_ends(int fd, Socket *s, struct sn_err *err)
{
	struct sockaddr_in6 in6 = {0};
	socklen_t len = sizeof(in6);

	if (getsockname(fd, (struct sockaddr *)&in6, &len) < 0)
		return sn_fail_sys(err, "read the address of a socket");
	if (is_bound(&in6)) {
		s->state = STATE_BOUND;
		kind_set_bytes(&s->address, &in6, len);
	}
	len = sizeof(in6);
	if (getpeername(fd, (struct sockaddr *)&in6, &len) == 0) {
		s->state = STATE_CONNECTED;
		kind_set_bytes(&s->peer, &in6, len);
	}
	return 0;
}

/*
 * Beyond the addresses: listening; connecting; and a connection that has ended, which is no
 * longer what socket(2) gives (it reads the end of file, it cannot connect).
 */
static int read_tcp_state(int fd, Socket *s, struct sn_err *err)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return sn_fail_sys(err, "read the state of a TCP socket");
	if (info.tcpi_state == TCP_STATE_LISTEN) {
		s->state = STATE_LISTENING;
		s->backlog = info.tcpi_sacked; /* of a listener: these two, tcp_get_info() */
		s->pending = info.tcpi_unacked;
	} else if (info.tcpi_state != TCP_STATE_CLOSE || info.tcpi_segs_out ||
		   info.tcpi_segs_in) {
		s->state = STATE_CONNECTED;
	}
	return 0;
}

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	Socket *s = message;
	int fd = reading_fd(r, err);

	if (fd < 0 || read_what(fd, r->probe, s, err) < 0 || read_ends(fd, s, err) < 0)
		return -1;
	if (is_tcp(s) && read_tcp_state(fd, s, err) < 0)
		return -1;
	if (sockopt_read(fd, options_of(s), &s->options, &s->n_options, err) < 0)
		return -1;
	if (is_tcp(s))
		return 0;
	return multicast_read(r->task->pid, fd, (int)s->family, &s->options, &s->n_options, err);
}

/* ---- what may stay ---- */

static bool bytes_equal(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static bool same(const Sn__OpenFile *have, const Sn__OpenFile *want)
{
	const Socket *h = have->inet_socket, *w = want->inet_socket;

	if (h->family != w->family || h->type != w->type || h->protocol != w->protocol)
		return false;
	/* a connection stays what it is, also when it has ended since */
	if (is_tcp(w) && w->state == STATE_CONNECTED)
		return have->ino == want->ino && h->state == STATE_CONNECTED;
	return h->state == w->state && bytes_equal(&h->address, &w->address) &&
	       bytes_equal(&h->peer, &w->peer);
}

/* ---- making ---- */

static int put_options(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want,
		       int fd, struct sn_err *err)
{
	const Socket *s = want->inet_socket, *h = have ? have->inet_socket : NULL;
	struct socket_notes notes = {a, want->id};
	sn_auto_fd int local = -1;

	if (h && sockopt_equal(h->options, h->n_options, s->options, s->n_options))
		return 0;
	local = applying_fd(a, fd, err);
	if (local < 0)
		return -1;
	sockopt_write(local, options_of(s), s->options, s->n_options, socket_option_failed,
		      &notes);
	multicast_write(local, h ? h->options : NULL, h ? h->n_options : 0, s->options,
			s->n_options, socket_option_failed, &notes);
	return 0;
}

/* One call that may be refused: *code is what the kernel said, 0 for yes. */
static int attempt(struct applying *a, const struct remote_call *call, int *code,
		   struct sn_err *err)
{
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	*code = call->result < 0 ? (int)-call->result : 0;
	remote_begin(a->remote);
	return 0;
}

static int try_bind(struct applying *a, int fd, const Socket *s, int *code, struct sn_err *err)
{
	return attempt(a, remote_try(a->remote, "bind", SYS_bind, (uint64_t)fd,
				     remote_data(a->remote, s->address.data, s->address.len),
				     s->address.len), code, err);
}

/* Not together with bind: a socket that is not bound would listen on a port of its own. */
static int try_listen(struct applying *a, int fd, const Socket *s, int *code,
		      struct sn_err *err)
{
	*code = 0;
	if (s->state != STATE_LISTENING)
		return 0;
	return attempt(a, remote_try(a->remote, "listen", SYS_listen, (uint64_t)fd, s->backlog),
		       code, err);
}

static int bind_failed(struct applying *a, const Socket *s, int code, struct sn_err *err)
{
	int protocol = is_tcp(s) ? IPPROTO_TCP : IPPROTO_UDP;
	char name[SOCKET_NAME_BYTES], who[96];

	socket_address_name(s->address.data, s->address.len, name, sizeof(name));
	switch (code) {
	case EADDRINUSE:
		return sn_fail(err, "address %s is in use by %s", name,
			       inet_holder(a->task->pid, protocol, s->address.data,
					   s->address.len, who, sizeof(who)));
	case EADDRNOTAVAIL:
		return sn_fail(err, "address %s is not of this machine", name);
	case EACCES:
		return sn_fail(err, "bind to %s: needs CAP_NET_BIND_SERVICE", name);
	}
	return sn_fail_code(err, code, "bind to %s", name);
}

typedef int try_fn(struct applying *a, int fd, const Socket *s, int *code, struct sn_err *err);

/* Tries; where only what remains of old connections is in the way, ends that and tries again. */
static int insist(struct applying *a, int fd, const Socket *s, try_fn *once, struct sn_err *err)
{
	int code;

	if (once(a, fd, s, &code, err) < 0)
		return -1;
	if (code == EADDRINUSE && is_tcp(s) &&
	    inet_clear_remains(a->task->pid, s->address.data, s->address.len) &&
	    once(a, fd, s, &code, err) < 0)
		return -1;
	return code ? bind_failed(a, s, code, err) : 0;
}

static int connect_udp(struct applying *a, const Sn__OpenFile *want, int fd, struct sn_err *err)
{
	const Socket *s = want->inet_socket;
	char name[SOCKET_NAME_BYTES];
	int code;

	if (attempt(a, remote_try(a->remote, "connect", SYS_connect, (uint64_t)fd,
				  remote_data(a->remote, s->peer.data, s->peer.len), s->peer.len),
		    &code, err) < 0)
		return -1;
	if (code)
		applying_note(a, "fd %d: left unconnected: connect to %s: %s",
			      socket_fd(a, want->id),
			      socket_address_name(s->peer.data, s->peer.len, name, sizeof(name)),
			      strerror(code));
	return 0;
}

static void note_gone(struct applying *a, const Sn__OpenFile *want)
{
	const Socket *s = want->inet_socket;
	char from[SOCKET_NAME_BYTES], to[SOCKET_NAME_BYTES];

	applying_note(a, "fd %d: TCP connection %s to %s is gone: left closed",
		      socket_fd(a, want->id),
		      socket_address_name(s->address.data, s->address.len, from, sizeof(from)),
		      socket_address_name(s->peer.data, s->peer.len, to, sizeof(to)));
}

static int bring_to_state(struct applying *a, const Sn__OpenFile *want, int fd,
			  struct sn_err *err)
{
	const Socket *s = want->inet_socket;

	if (is_tcp(s) && s->state == STATE_CONNECTED) {
		note_gone(a, want);
		return 0;
	}
	if (s->address.len &&
	    (insist(a, fd, s, try_bind, err) < 0 || insist(a, fd, s, try_listen, err) < 0))
		return -1;
	if (s->peer.len && connect_udp(a, want, fd, err) < 0)
		return -1;
	if (s->pending)
		applying_note(a, "fd %d: %u connections that waited to be accepted are gone",
			      socket_fd(a, want->id), s->pending);
	return 0;
}

static int make(struct applying *a, const Sn__OpenFile *want, struct sn_err *err)
{
	const Socket *s = want->inet_socket;
	struct remote_call *made;
	int fd;

	remote_begin(a->remote);
	made = remote_call(a->remote, "make a socket", SYS_socket, s->family,
			   s->type | SOCK_CLOEXEC, s->protocol);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	fd = (int)made->result;
	remote_begin(a->remote);
	if (put_options(a, NULL, want, fd, err) < 0 || bring_to_state(a, want, fd, err) < 0)
		return -1;
	return applying_made(a, want->id, fd, err);
}

static int settle(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want, int fd,
		  struct sn_err *err)
{
	const Socket *s = want->inet_socket;

	if (!have)
		return 0;
	if (s->state == STATE_LISTENING && s->backlog != have->inet_socket->backlog)
		remote_call(a->remote, "listen", SYS_listen, (uint64_t)fd, s->backlog);
	if (s->peer.len && !have->inet_socket->peer.len)
		note_gone(a, want);
	if (applying_run(a, err) < 0)
		return -1;
	return put_options(a, have, want, fd, err);
}

static const struct file_ops ops = {
	.recognise = recognise,
	.same = same,
	.make = make,
	.settle = settle,
};

const struct kind kind_inet_socket = {
	.name = "inet socket",
	.level = KIND_FILE,
	.field = 21,
	.ask = ask,
	.file = &ops,
};
