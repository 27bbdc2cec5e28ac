// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/unix_fill.h"

#include "core/base/guard.h"
#include "core/kinds/socket_name.h"
#include "core/kinds/unix_address.h"
#include "core/kinds/unix_queue.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

enum { SEND_BYTES = 256 * 1024 }; /* of a stream, in one call */

/* Sends from descriptor `from` of the target; `to`: at this address, NULL: to its peer. */
static int send_bytes(struct applying *a, int from, const uint8_t *bytes, size_t len,
		      const ProtobufCBinaryData *to, struct sn_err *err)
{
	struct unix_visit visit = {0};
	struct sockaddr_un un;
	size_t un_len = to ? unix_address_make(to, &un) : 0;
	struct remote_call *sent;

	remote_begin(a->remote);
	if (to)
		unix_address_enter(a, to, &visit);
	sent = remote_try(a->remote, "queue a message", SYS_sendto, (uint64_t)from,
			  remote_data(a->remote, len ? (const void *)bytes : "", len ? len : 1),
			  len, MSG_DONTWAIT | MSG_NOSIGNAL,
			  to ? remote_data(a->remote, &un, sizeof(un)) : 0, un_len);
	unix_address_leave(a, &visit);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	if (sent->result < 0)
		return sn_fail_code(err, (int)sent->result, "queue a message");
	if (sent->result != (int64_t)len)
		return sn_fail(err, "queue a message: no room");
	remote_begin(a->remote);
	return 0;
}

static int send_message(struct applying *a, int from, uint32_t type,
			const ProtobufCBinaryData *message, const ProtobufCBinaryData *to,
			struct sn_err *err)
{
	size_t at = 0, len;

	do {
		len = message->len - at;
		if (type == SOCK_STREAM && len > SEND_BYTES)
			len = SEND_BYTES;
		if (send_bytes(a, from, message->data + at, len, to, err) < 0)
			return -1;
		at += len;
	} while (at < message->len);
	return 0;
}

int unix_fill_from_peer(struct applying *a, const Sn__OpenFile *want, int peer_fd,
			struct sn_err *err)
{
	const Sn__UnixSocket *s = want->unix_socket;
	sn_auto_fd int local = -1;
	size_t i;

	if (s->n_queued == 0)
		return 0;
	local = applying_fd(a, peer_fd, err);
	if (local < 0)
		return -1;
	unix_queue_make_room(local, s);
	for (i = 0; i < s->n_queued; i++)
		if (send_message(a, peer_fd, s->type, &s->queued[i], NULL, err) < 0)
			return -1;
	return 0;
}

static int make_sender(struct applying *a, int *fd, struct sn_err *err)
{
	struct remote_call *made;

	remote_begin(a->remote);
	made = remote_call(a->remote, "make a socket", SYS_socket, AF_UNIX,
			   SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	*fd = (int)made->result;
	return 0;
}

int unix_fill_from_nobody(struct applying *a, const Sn__OpenFile *want, struct sn_err *err)
{
	const Sn__UnixSocket *s = want->unix_socket;
	size_t i;
	int fd;

	for (i = 0; i < s->n_queued; i++) {
		if (make_sender(a, &fd, err) < 0 ||
		    send_message(a, fd, s->type, &s->queued[i], &s->address, err) < 0)
			return -1;
		remote_call(a->remote, "close", SYS_close, (uint64_t)fd);
		if (applying_run(a, err) < 0)
			return -1;
	}
	if (s->n_queued_from)
		applying_note(a, "fd %d: the messages that wait in it have lost their senders' "
				 "addresses", socket_fd(a, want->id));
	return 0;
}
