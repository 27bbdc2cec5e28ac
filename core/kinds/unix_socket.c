// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/unix_socket.h"

#include "core/base/guard.h"
#include "core/kinds/sock_diag.h"
#include "core/kinds/socket_name.h"
#include "core/kinds/sockopt.h"
#include "core/kinds/unix_address.h"
#include "core/kinds/unix_fill.h"
#include "core/kinds/unix_queue.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

enum {
	SHUT_NONE = 0, /* UnixSocket.shutdown, as UNIX_DIAG_SHUTDOWN has it */
	SHUT_RECEIVE = 1,
	SHUT_SEND = 2,
	SHUT_BOTH = 3,
};

typedef Sn__UnixSocket Socket;

/* ---- reading ---- */

enum { KEEP_STAT, KEEP_STAT_CALL, KEEP_DIAG, KEEP_DIAG_CALL };

static bool recognise(const struct file_probe *probe)
{
	return probe->socket_family == AF_UNIX;
}

/* Whether the peer closed its end: what is left to read is followed by the end of file. The
 * peer of a connection that waits to be accepted has no inode either. */
static bool peer_closed(const Socket *s)
{
	return s->peer_ino == 0 && (s->shutdown == SHUT_BOTH || s->type == SOCK_DGRAM);
}

static void read_address(int fd, ProtobufCBinaryData *address,
			 int (*ask)(int, struct sockaddr *, socklen_t *))
{
	char bytes[sizeof(struct sockaddr_un) + 2];
	const char *path = bytes + offsetof(struct sockaddr_un, sun_path);
	socklen_t len = sizeof(bytes);

	if (ask(fd, (struct sockaddr *)bytes, &len) < 0 ||
	    len <= offsetof(struct sockaddr_un, sun_path))
		return;
	len -= offsetof(struct sockaddr_un, sun_path);
	kind_set_bytes(address, path, path[0] ? strnlen(path, len) : len);
}

static int get_int(int fd, int name, const char *what, int *value, struct sn_err *err)
{
	socklen_t len = sizeof(*value);

	if (getsockopt(fd, SOL_SOCKET, name, value, &len) < 0)
		return sn_fail_sys(err, "read %s of a socket", what);
	return 0;
}

static int read_state(int fd, Socket *s, struct sn_err *err)
{
	char nobody[sizeof(struct sockaddr_un) + 2];
	socklen_t len = sizeof(nobody);
	int type, listening;

	if (get_int(fd, SO_TYPE, "the type", &type, err) < 0 ||
	    get_int(fd, SO_ACCEPTCONN, "the state", &listening, err) < 0)
		return -1;
	s->type = (uint32_t)type;
	if (listening)
		s->state = SN__UNIX_SOCKET__STATE__LISTENING;
	else if (getpeername(fd, (struct sockaddr *)nobody, &len) == 0)
		s->state = SN__UNIX_SOCKET__STATE__CONNECTED;
	read_address(fd, &s->address, getsockname);
	if (s->state == SN__UNIX_SOCKET__STATE__CONNECTED)
		read_address(fd, &s->peer_address, getpeername);
	return 0;
}

/* An accepted socket answers with the listener's address, which is not its own. */
static bool has_own_address(const Socket *s)
{
	return s->address.len && (s->state != SN__UNIX_SOCKET__STATE__CONNECTED ||
				  s->type == SOCK_DGRAM || s->peer_address.len);
}

static void take_diag(Socket *s, const struct unix_diag *diag)
{
	s->shutdown = diag->shutdown;
	s->peer_ino = diag->peer_ino;
	if (s->state == SN__UNIX_SOCKET__STATE__LISTENING) {
		s->backlog = diag->send_queue;
		s->pending = diag->receive_queue;
	}
}

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	Socket *s = message;
	struct unix_diag diag;
	struct unix_diag_asked asked;
	struct sn_err ignored;
	uint32_t ino = (uint32_t)r->probe->stat.st_ino;
	uint64_t addr;
	int fd = reading_fd(r, err);

	if (fd < 0 || read_state(fd, s, err) < 0 ||
	    sockopt_read(fd, SOCKOPT_UNIX, &s->options, &s->n_options, err) < 0)
		return -1;
	if (s->state == SN__UNIX_SOCKET__STATE__LISTENING)
		s->backlog = SOMAXCONN;
	else if (unix_queue_peek(fd, s, err) < 0)
		return -1;
	if (s->state == SN__UNIX_SOCKET__STATE__IDLE) {
		; /* nothing that its options do not tell: spare it a question of 15 us */
	} else if (unix_diag(fd, ino, &diag, &ignored) == 0) {
		take_diag(s, &diag);
	} else { /* perhaps it lives in another network namespace */
		unix_diag_queue(fd, ino, r->remote, &asked);
		r->keep[KEEP_DIAG] = (void *)asked.answer;
		r->keep[KEEP_DIAG_CALL] = (void *)asked.call;
	}
	if (has_own_address(s) && unix_address_is_path(&s->address)) {
		r->keep[KEEP_STAT] = remote_room(r->remote, sizeof(struct stat), &addr);
		r->keep[KEEP_STAT_CALL] = unix_address_stat(r->remote, &s->address, addr);
	}
	return 0;
}

/* The description in an image whose socket has this inode. */
static const Sn__OpenFile *by_ino(const Sn__Image *image, uint64_t ino)
{
	size_t i;

	/* pairs are made at once: the other end is most likely among the last */
	for (i = ino ? image->n_files : 0; i-- > 0;)
		if (image->files[i]->object_case == SN__OPEN_FILE__OBJECT_UNIX_SOCKET &&
		    image->files[i]->ino == ino)
			return image->files[i];
	return NULL;
}

static const Sn__OpenFile *peer_of(const Sn__Image *image, const Sn__OpenFile *file)
{
	const Sn__OpenFile *peer = by_ino(image, file->unix_socket->peer_ino);

	return peer && peer->unix_socket->peer_ino == file->ino ? peer : NULL;
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	Socket *s = message;
	const struct stat *stat = r->keep[KEEP_STAT];
	const struct remote_call *stat_call = r->keep[KEEP_STAT_CALL];
	struct unix_diag_asked asked = {r->keep[KEEP_DIAG], r->keep[KEEP_DIAG_CALL]};
	struct unix_diag diag;
	struct sn_err ignored;

	(void)err;
	if (asked.call && unix_diag_take(&asked, &diag, &ignored) == 0)
		take_diag(s, &diag);
	if (stat && stat_call->result == 0 && S_ISSOCK(stat->st_mode)) {
		s->mode = stat->st_mode;
		s->uid = stat->st_uid;
		s->gid = stat->st_gid;
	}
	/* every description of the task is in the image since the asking */
	s->external = s->state == SN__UNIX_SOCKET__STATE__CONNECTED && !peer_closed(s) &&
		      !by_ino(r->image, s->peer_ino);
	return 0;
}

/* ---- what may stay ---- */

static bool bytes_equal(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static bool same(const Sn__OpenFile *have, const Sn__OpenFile *want)
{
	const Socket *h = have->unix_socket, *w = want->unix_socket;

	if (h->type != w->type || h->state != w->state ||
	    !bytes_equal(&h->address, &w->address) || !h->mode != !w->mode)
		return false;
	if (w->state != SN__UNIX_SOCKET__STATE__CONNECTED)
		return (h->shutdown & ~w->shutdown) == 0;
	if (have->ino != want->ino)
		return false;
	if (w->external && w->type != SOCK_DGRAM)
		return true; /* it goes on from now, or is as gone as it would be */
	/* nothing can be sent through an end that was shut down */
	return h->peer_ino == w->peer_ino && h->shutdown == w->shutdown &&
	       (w->shutdown == SHUT_NONE || unix_queue_equal(h, w));
}

static uint64_t group(const Sn__OpenFile *file)
{
	uint64_t ino = file->ino, peer = file->unix_socket->peer_ino;

	if (file->unix_socket->state != SN__UNIX_SOCKET__STATE__CONNECTED || !peer)
		return 0;
	return ino < peer ? ino << 32 | peer : peer << 32 | ino;
}

static const char *refuse(const Sn__Image *want, const Sn__OpenFile *file)
{
	const Socket *s = file->unix_socket;
	size_t i;

	(void)want;
	for (i = 0; i < s->n_queued; i++)
		if (s->type != SOCK_STREAM && s->queued[i].len > UNIX_FILL_MESSAGE_BYTES)
			return "a message of more than 1 MiB waits in it";
	return NULL;
}

/* ---- what is put into a made socket ---- */

/* Options of the wanted socket on the target's descriptor, through ours. */
static int put_options(struct applying *a, const Sn__OpenFile *want, int fd, struct sn_err *err)
{
	struct socket_notes notes = {a, want->id};
	sn_auto_fd int local = applying_fd(a, fd, err);

	if (local < 0)
		return -1;
	sockopt_write(local, SOCKOPT_UNIX, want->unix_socket->options,
		      want->unix_socket->n_options, socket_option_failed, &notes);
	return 0;
}

static void queue_shutdown(struct applying *a, int fd, const Socket *s)
{
	static const int how[] = {0, SHUT_RD, SHUT_WR, SHUT_RDWR};

	if (s->shutdown != SHUT_NONE)
		remote_try(a->remote, "shut down a socket", SYS_shutdown, (uint64_t)fd,
			   (uint64_t)how[s->shutdown & SHUT_BOTH]);
}

/* ---- pairs and connections ---- */

struct pair {
	const Sn__OpenFile *files[2]; /* [1] may be NULL: the end nobody has */
	int fds[2];
};

/* Whether a connected socket can have its address by bind(2): nobody else has it. */
static bool bound_itself(const Sn__Image *image, const Sn__OpenFile *file)
{
	const Socket *s = file->unix_socket;
	size_t i;

	if (!has_own_address(s))
		return false;
	for (i = 0; i < image->n_files; i++)
		if (image->files[i] != file &&
		    image->files[i]->object_case == SN__OPEN_FILE__OBJECT_UNIX_SOCKET &&
		    bytes_equal(&image->files[i]->unix_socket->address, &s->address))
			return false;
	return true;
}

static void bind_if_possible(struct applying *a, const Sn__OpenFile *file, int fd)
{
	struct sn_err why;

	if (!bound_itself(a->want, file))
		return;
	if (unix_address_bind(a, fd, file->unix_socket, &why) < 0) {
		remote_begin(a->remote);
		applying_note(a, "fd %d: left without its address: %s",
			      socket_fd(a, file->id), why.text);
	}
}

static int open_pair(struct applying *a, const Socket *s, int fds[2], struct sn_err *err)
{
	uint64_t addr;
	int *room;

	remote_begin(a->remote);
	room = remote_room(a->remote, 2 * sizeof(*room), &addr);
	remote_call(a->remote, "make a socket pair", SYS_socketpair, AF_UNIX,
		    s->type | SOCK_CLOEXEC, 0, addr);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	memcpy(fds, room, 2 * sizeof(*fds));
	remote_begin(a->remote);
	return 0;
}

static int set_up_pair(struct applying *a, const struct pair *p, struct sn_err *err)
{
	int i;

	for (i = 0; i < 2; i++) { /* before the messages: SO_PASSCRED makes them carry more */
		if (!p->files[i])
			continue;
		if (put_options(a, p->files[i], p->fds[i], err) < 0)
			return -1;
		bind_if_possible(a, p->files[i], p->fds[i]);
	}
	for (i = 0; i < 2; i++)
		if (p->files[i] && unix_fill_from_peer(a, p->files[i], p->fds[!i], err) < 0)
			return -1;
	for (i = 0; i < 2; i++)
		if (p->files[i])
			queue_shutdown(a, p->fds[i], p->files[i]->unix_socket);
	if (!p->files[1])
		remote_call(a->remote, "close", SYS_close, (uint64_t)p->fds[1]);
	if (applying_run(a, err) < 0)
		return -1;
	for (i = 0; i < 2; i++) /* and after: the room that was made for them */
		if (p->files[i] && p->files[!i] && p->files[!i]->unix_socket->n_queued &&
		    put_options(a, p->files[i], p->fds[i], err) < 0)
			return -1;
	return 0;
}

static void note_gone(struct applying *a, const Sn__OpenFile *want)
{
	const Socket *s = want->unix_socket;
	const ProtobufCBinaryData *address = s->peer_address.len ? &s->peer_address : &s->address;
	char name[SOCKET_NAME_BYTES];

	if (address->len)
		applying_note(a, "fd %d: unix connection %s %s is gone: left closed",
			      socket_fd(a, want->id), s->peer_address.len ? "to" : "through",
			      unix_address_name(address->data, address->len, name, sizeof(name)));
	else
		applying_note(a, "fd %d: unix connection to another process is gone: left closed",
			      socket_fd(a, want->id));
}

static int make_pair(struct applying *a, const Sn__OpenFile *want, struct sn_err *err)
{
	struct pair p = {.files = {want, peer_of(a->want, want)}};
	int i;

	if (!p.files[1] && !peer_closed(want->unix_socket))
		note_gone(a, want);
	if (open_pair(a, want->unix_socket, p.fds, err) < 0 || set_up_pair(a, &p, err) < 0)
		return -1;
	for (i = 0; i < 2; i++)
		if (p.files[i] && applying_made(a, p.files[i]->id, p.fds[i], err) < 0)
			return -1;
	return 0;
}

/* ---- single sockets ---- */

static void note_losses(struct applying *a, const Sn__OpenFile *want)
{
	const Socket *s = want->unix_socket;
	char name[SOCKET_NAME_BYTES];

	if (s->pending)
		applying_note(a, "fd %d: %u connections that waited to be accepted are gone",
			      socket_fd(a, want->id), s->pending);
	if (unix_address_is_path(&s->address) && s->address.data[0] != '/' && s->mode == 0)
		applying_note(a, "fd %d: nobody finds its address: %s was not in the working "
				 "directory", socket_fd(a, want->id),
			      unix_address_name(s->address.data, s->address.len, name,
						sizeof(name)));
}

static int make_single(struct applying *a, const Sn__OpenFile *want, struct sn_err *err)
{
	const Socket *s = want->unix_socket;
	struct remote_call *made;
	int fd;

	remote_begin(a->remote);
	made = remote_call(a->remote, "make a socket", SYS_socket, AF_UNIX,
			   s->type | SOCK_CLOEXEC, 0);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	fd = (int)made->result;
	remote_begin(a->remote);
	if (put_options(a, want, fd, err) < 0)
		return -1;
	if (s->address.len && unix_address_bind(a, fd, s, err) < 0)
		return -1;
	if (s->address.len && s->type == SOCK_DGRAM && unix_fill_from_nobody(a, want, err) < 0)
		return -1;
	if (s->state == SN__UNIX_SOCKET__STATE__LISTENING)
		remote_call(a->remote, "listen", SYS_listen, (uint64_t)fd, s->backlog);
	queue_shutdown(a, fd, s);
	if (applying_run(a, err) < 0)
		return -1;
	note_losses(a, want);
	return applying_made(a, want->id, fd, err);
}

/* A datagram socket connected by name: the peer need not know of it. */
static bool connects_by_name(const Sn__Image *image, const Sn__OpenFile *file)
{
	const Socket *s = file->unix_socket;

	return s->state == SN__UNIX_SOCKET__STATE__CONNECTED && s->type == SOCK_DGRAM &&
	       s->peer_address.len && !peer_of(image, file);
}

static int make(struct applying *a, const Sn__OpenFile *want, struct sn_err *err)
{
	if (want->unix_socket->state == SN__UNIX_SOCKET__STATE__CONNECTED &&
	    !connects_by_name(a->want, want))
		return make_pair(a, want, err);
	return make_single(a, want, err);
}

/* ---- settling ---- */

static int settle(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want, int fd,
		  struct sn_err *err)
{
	const Socket *s = want->unix_socket;

	if (!have)
		return 0;
	if (s->state == SN__UNIX_SOCKET__STATE__LISTENING &&
	    s->backlog != have->unix_socket->backlog)
		remote_call(a->remote, "listen", SYS_listen, (uint64_t)fd, s->backlog);
	if (s->mode && (s->mode != have->unix_socket->mode || s->uid != have->unix_socket->uid ||
			s->gid != have->unix_socket->gid))
		unix_address_put_mode(a, s);
	if (s->external && !have->unix_socket->external)
		note_gone(a, want);
	if (s->shutdown != have->unix_socket->shutdown)
		queue_shutdown(a, fd, s);
	if (applying_run(a, err) < 0)
		return -1;
	if (sockopt_equal(have->unix_socket->options, have->unix_socket->n_options, s->options,
			  s->n_options))
		return 0;
	return put_options(a, want, fd, err);
}

static int refill(struct applying *a, const Sn__OpenFile *want, int fd, struct sn_err *err)
{
	const Sn__OpenFile *peer = peer_of(a->want, want);
	sn_auto_fd int local = applying_fd(a, fd, err);
	int peer_fd = peer ? socket_fd(a, peer->id) : -1;

	if (local < 0 || unix_queue_drain(local, want->unix_socket->type, err) < 0)
		return -1;
	if (peer_fd < 0)
		return unix_fill_from_nobody(a, want, err);
	if (unix_fill_from_peer(a, want, peer_fd, err) < 0)
		return -1;
	return put_options(a, peer, peer_fd, err);
}

static int connect_by_name(struct applying *a, const Sn__OpenFile *want, int fd,
			   struct sn_err *err)
{
	const ProtobufCBinaryData *peer = &want->unix_socket->peer_address;
	char name[SOCKET_NAME_BYTES];
	struct remote_call *call;
	struct unix_visit visit;
	struct sockaddr_un un;
	size_t len = unix_address_make(peer, &un);

	remote_begin(a->remote);
	unix_address_enter(a, peer, &visit);
	call = remote_try(a->remote, "connect", SYS_connect, (uint64_t)fd,
			  remote_data(a->remote, &un, sizeof(un)), len);
	unix_address_leave(a, &visit);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	if (call->result < 0)
		applying_note(a, "fd %d: left unconnected: connect to %s: %s", fd,
			      unix_address_name(peer->data, peer->len, name, sizeof(name)),
			      strerror((int)-call->result));
	remote_begin(a->remote);
	return 0;
}

static int link_up(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want, int fd,
		   struct sn_err *err)
{
	const Socket *s = want->unix_socket;

	if (applying_run(a, err) < 0)
		return -1;
	if (!have)
		return connects_by_name(a->want, want) ? connect_by_name(a, want, fd, err) : 0;
	if (s->state == SN__UNIX_SOCKET__STATE__LISTENING || s->shutdown != SHUT_NONE ||
	    unix_queue_equal(have->unix_socket, s))
		return 0;
	if (s->state == SN__UNIX_SOCKET__STATE__CONNECTED && !peer_of(a->want, want))
		return 0; /* what the outside has sent is the outside's */
	if (refill(a, want, fd, err) < 0)
		return -1;
	return put_options(a, want, fd, err);
}

static const struct file_ops ops = {
	.recognise = recognise,
	.same = same,
	.group = group,
	.make = make,
	.settle = settle,
	.link = link_up,
	.refuse = refuse,
};

const struct kind kind_unix_socket = {
	.name = "unix socket",
	.level = KIND_FILE,
	.field = 20,
	.ask = ask,
	.take = take,
	.file = &ops,
};
