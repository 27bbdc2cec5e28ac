// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/unix_queue.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
	PIECE_BYTES = 128 * 1024, /* at one look; longer messages are joined */
	CONTROL_BYTES = 8192,     /* 253 descriptors, credentials, a security label */
	SNEW_SCM_PIDFD = 4,       /* include/linux/socket.h, Linux 6.5 */
	MESSAGE_OVERHEAD = 1024,  /* what the kernel counts beside the bytes, rounded up */
};

struct look {
	int fd;
	uint8_t *buf;
	size_t size;
	size_t len;     /* of what was seen */
	bool cut;       /* more of the same message follows */
	struct sockaddr_un from;
	socklen_t from_len;
};

/* ---- one look ---- */

/* Descriptors arrive even at a peek: ours to close. How many there were of the sender's. */
static unsigned close_received(struct msghdr *header)
{
	struct cmsghdr *control;
	unsigned rights = 0;

	for (control = CMSG_FIRSTHDR(header); control; control = CMSG_NXTHDR(header, control)) {
		size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int), i;
		int fd;

		if (control->cmsg_level != SOL_SOCKET ||
		    (control->cmsg_type != SCM_RIGHTS && control->cmsg_type != SNEW_SCM_PIDFD))
			continue;
		for (i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(control) + i * sizeof(fd), sizeof(fd));
			if (fd >= 0)
				close(fd);
		}
		if (control->cmsg_type == SCM_RIGHTS)
			rights += (unsigned)count;
	}
	return rights;
}

/* 1: something is in look->buf; 0: nothing waits. */
static int peek(struct look *look, struct sn_err *err)
{
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_BYTES];
	struct iovec iov = {look->buf, look->size};
	struct msghdr header = {.msg_name = &look->from,
				.msg_namelen = sizeof(look->from),
				.msg_iov = &iov,
				.msg_iovlen = 1,
				.msg_control = control,
				.msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(look->fd, &header, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == ENOTCONN || errno == EINVAL))
		return 0; /* not connected: nothing can wait */
	if (n < 0)
		return sn_fail_sys(err, "look at the messages that wait");
	if (close_received(&header))
		return sn_fail(err, "a message that waits carries open files");
	if (header.msg_flags & MSG_CTRUNC)
		return sn_fail(err, "a message that waits carries too much beside its bytes");
	look->len = (size_t)n;
	look->cut = header.msg_flags & MSG_TRUNC;
	look->from_len = header.msg_namelen > sizeof(sa_family_t) &&
					 header.msg_namelen <= sizeof(look->from)
				 ? header.msg_namelen
				 : 0;
	return 1;
}

/* ---- the queue ---- */

static ProtobufCBinaryData *append(ProtobufCBinaryData **list, size_t *count)
{
	*list = sn_realloc(*list, *count + 1, sizeof(**list));
	(*list)[*count] = (ProtobufCBinaryData){0};
	return &(*list)[(*count)++];
}

static void add_bytes(ProtobufCBinaryData *to, const void *bytes, size_t len)
{
	to->data = sn_realloc(to->data, to->len + len, 1);
	if (len)
		memcpy(to->data + to->len, bytes, len);
	to->len += len;
}

static void add_message(Sn__UnixSocket *socket, const struct look *look)
{
	const uint8_t *path = (const uint8_t *)look->from.sun_path;
	size_t len = look->from_len ? look->from_len - sizeof(sa_family_t) : 0;

	add_bytes(append(&socket->queued, &socket->n_queued), look->buf, look->len);
	if (len && path[0])
		len = strnlen((const char *)path, len);
	add_bytes(append(&socket->queued_from, &socket->n_queued_from), path, len);
}

struct peek_offset {
	int fd;
	int before;
	bool changed;
};

static void put_back_offset(struct peek_offset *offset)
{
	if (offset->changed)
		setsockopt(offset->fd, SOL_SOCKET, SO_PEEK_OFF, &offset->before,
			   sizeof(offset->before));
}

static int set_offset(struct peek_offset *offset, int value, struct sn_err *err)
{
	if (setsockopt(offset->fd, SOL_SOCKET, SO_PEEK_OFF, &value, sizeof(value)) < 0)
		return sn_fail_sys(err, "look behind the first message that waits (SO_PEEK_OFF)");
	offset->changed = true;
	return 0;
}

/* With an offset of the application's own a look would begin there and move it. */
static int without_offset(struct peek_offset *offset, struct sn_err *err)
{
	socklen_t len = sizeof(offset->before);

	if (getsockopt(offset->fd, SOL_SOCKET, SO_PEEK_OFF, &offset->before, &len) < 0)
		return sn_fail_sys(err, "read SO_PEEK_OFF");
	return offset->before >= 0 ? set_offset(offset, -1, err) : 0;
}

/*
 * Every look goes on where the one before ended. But for datagram sockets `total` is what waits:
 * no look beyond it, which would take an error or an end of file.
 */
static int peek_all(struct look *look, Sn__UnixSocket *socket, size_t total, struct sn_err *err)
{
	bool datagrams = socket->type == SOCK_DGRAM, joining = false;
	size_t seen = 0;
	int some = 0;

	while ((datagrams || seen < total) && (some = peek(look, err)) > 0) {
		if (look->len == 0 && !datagrams)
			break;
		if (joining)
			add_bytes(&socket->queued[socket->n_queued - 1], look->buf, look->len);
		else
			add_message(socket, look);
		joining = look->cut && socket->type != SOCK_STREAM;
		seen += look->len;
	}
	if (some < 0)
		return -1;
	if (!datagrams && seen != total)
		return sn_fail(err, "%zu of %zu bytes that wait cannot be looked at",
			       total - seen, total);
	return 0;
}

/* Senders' addresses are kept where there are any. */
static void drop_empty_senders(Sn__UnixSocket *socket)
{
	size_t i;

	for (i = 0; i < socket->n_queued_from; i++)
		if (socket->queued_from[i].len)
			return;
	for (i = 0; i < socket->n_queued_from; i++)
		free(socket->queued_from[i].data);
	free(socket->queued_from);
	socket->queued_from = NULL;
	socket->n_queued_from = 0;
}

static int peek_behind_first(struct look *look, struct peek_offset *offset,
			     Sn__UnixSocket *socket, size_t total, struct sn_err *err)
{
	if (look->len == 0) /* an empty first message is not shown a second time */
		add_message(socket, look);
	if (set_offset(offset, 0, err) < 0)
		return -1;
	return peek_all(look, socket, total, err);
}

/* 1: messages may wait; 0: none do. Fails when an error is in front of them. */
static int may_wait(int fd, uint32_t type, int total, struct sn_err *err)
{
	struct pollfd ready = {fd, POLLIN, 0};

	if (type != SOCK_DGRAM && total == 0)
		return 0;
	if (type == SOCK_STREAM)
		return 1;
	if (poll(&ready, 1, 0) < 0)
		return sn_fail_sys(err, "poll a socket");
	if (!(ready.revents & POLLIN))
		return 0;
	if (ready.revents & POLLERR)
		return sn_fail(err, "an error waits in front of its messages");
	return 1;
}

int unix_queue_peek(int fd, Sn__UnixSocket *socket, struct sn_err *err)
{
	sn_auto_free uint8_t *buf = NULL;
	sn_auto(put_back_offset) struct peek_offset offset = {.fd = fd};
	struct look look = {.fd = fd, .size = PIECE_BYTES};
	int total = 0, some;

	/* of a datagram socket: the first message's length */
	if (ioctl(fd, SIOCINQ, &total) < 0)
		return sn_fail_sys(err, "ask how much waits in a socket");
	some = may_wait(fd, socket->type, total, err);
	if (some <= 0)
		return some;
	if (total > PIECE_BYTES && socket->type == SOCK_STREAM)
		look.size = (size_t)total;
	if (without_offset(&offset, err) < 0)
		return -1;
	look.buf = buf = sn_malloc(look.size);
	some = peek(&look, err);
	if (some <= 0)
		return some;
	if (socket->type != SOCK_DGRAM && !look.cut && look.len == (size_t)total)
		add_message(socket, &look);
	else if (peek_behind_first(&look, &offset, socket, (size_t)total, err) < 0)
		return -1;
	drop_empty_senders(socket);
	return 0;
}

int unix_queue_drain(int fd, uint32_t type, struct sn_err *err)
{
	uint8_t bytes[4096];
	ssize_t n;
	int total;

	do {
		/* an end of file, which only a look at the amount tells from an empty message */
		if (type != SOCK_DGRAM && (ioctl(fd, SIOCINQ, &total) < 0 || total == 0))
			return 0;
		n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	} while (n >= 0);
	if (errno != EAGAIN)
		return sn_fail_sys(err, "empty a socket's queue");
	return 0;
}

bool unix_queue_equal(const Sn__UnixSocket *a, const Sn__UnixSocket *b)
{
	size_t i;

	if (a->n_queued != b->n_queued)
		return false;
	for (i = 0; i < a->n_queued; i++)
		if (a->queued[i].len != b->queued[i].len ||
		    (a->queued[i].len &&
		     memcmp(a->queued[i].data, b->queued[i].data, a->queued[i].len) != 0))
			return false;
	return true;
}

void unix_queue_make_room(int fd, const Sn__UnixSocket *socket)
{
	size_t bytes = 0, i;
	int size;

	for (i = 0; i < socket->n_queued; i++)
		bytes += socket->queued[i].len + MESSAGE_OVERHEAD;
	size = bytes < (size_t)1 << 30 ? (int)bytes : 1 << 30;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}
