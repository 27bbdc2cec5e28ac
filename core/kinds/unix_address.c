// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/unix_address.h"

#include "core/kinds/socket_holder.h"
#include "core/kinds/socket_name.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

enum { MODE_BITS = 07777 };

bool unix_address_is_path(const ProtobufCBinaryData *address)
{
	return address->len > 0 && address->data[0] != '\0';
}

size_t unix_address_make(const ProtobufCBinaryData *address, void *sockaddr_un)
{
	struct sockaddr_un *un = sockaddr_un;
	size_t len = address->len < sizeof(un->sun_path) ? address->len : sizeof(un->sun_path);

	*un = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (len)
		memcpy(un->sun_path, address->data, len);
	if (unix_address_is_path(address) && len < sizeof(un->sun_path))
		len++; /* the NUL belongs to a path */
	return offsetof(struct sockaddr_un, sun_path) + len;
}

/* The path in the target's memory, with its NUL. */
static uint64_t path_in_target(struct remote *remote, const ProtobufCBinaryData *address)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1] = "";
	size_t len = address->len < sizeof(path) ? address->len : sizeof(path) - 1;

	memcpy(path, address->data, len);
	return remote_text(remote, path);
}

struct remote_call *unix_address_stat(struct remote *remote, const ProtobufCBinaryData *address,
				      uint64_t room)
{
	return remote_try(remote, "stat a socket's file", SYS_newfstatat, (uint64_t)AT_FDCWD,
			  path_in_target(remote, address), room, AT_SYMLINK_NOFOLLOW);
}

void unix_address_enter(struct applying *a, const ProtobufCBinaryData *address,
			struct unix_visit *visit)
{
	const Sn__FileSystem *fs = a->want_task->file_system;

	visit->before = NULL;
	if (!unix_address_is_path(address) || address->data[0] == '/' || !fs || !fs->cwd ||
	    !fs->cwd[0])
		return;
	visit->before = remote_call(a->remote, "open the working directory", SYS_openat,
				    (uint64_t)AT_FDCWD, remote_text(a->remote, "."),
				    O_PATH | O_DIRECTORY | O_CLOEXEC);
	remote_try(a->remote, "enter a working directory", SYS_chdir,
		   remote_text(a->remote, fs->cwd));
}

void unix_address_leave(struct applying *a, const struct unix_visit *visit)
{
	if (!visit->before)
		return;
	remote_ref(remote_call(a->remote, "go back to the working directory", SYS_fchdir, 0), 0,
		   visit->before);
	remote_ref(remote_call(a->remote, "close", SYS_close, 0), 0, visit->before);
}

static void queue_mode(struct applying *a, const Sn__UnixSocket *socket)
{
	uint64_t path = path_in_target(a->remote, &socket->address);

	if (socket->mode == 0) { /* it had no file any more */
		remote_try(a->remote, "remove a socket's file", SYS_unlinkat, (uint64_t)AT_FDCWD,
			   path, 0);
		return;
	}
	remote_try(a->remote, "set the owner of a socket's file", SYS_fchownat,
		   (uint64_t)AT_FDCWD, path, socket->uid, socket->gid, AT_SYMLINK_NOFOLLOW);
	remote_try(a->remote, "set the mode of a socket's file", SYS_fchmodat,
		   (uint64_t)AT_FDCWD, path, socket->mode & MODE_BITS);
}

void unix_address_put_mode(struct applying *a, const Sn__UnixSocket *socket)
{
	struct unix_visit visit;

	unix_address_enter(a, &socket->address, &visit);
	queue_mode(a, socket);
	unix_address_leave(a, &visit);
}

/* One try; *code is what bind(2) said. */
static int try_bind(struct applying *a, int fd, const Sn__UnixSocket *socket, bool replace,
		    int *code, struct sn_err *err)
{
	struct sockaddr_un un;
	size_t len = unix_address_make(&socket->address, &un);
	struct remote_call *call;
	struct unix_visit visit;

	remote_begin(a->remote);
	unix_address_enter(a, &socket->address, &visit);
	if (replace)
		remote_try(a->remote, "remove a stale socket", SYS_unlinkat, (uint64_t)AT_FDCWD,
			   path_in_target(a->remote, &socket->address), 0);
	call = remote_try(a->remote, "bind", SYS_bind, (uint64_t)fd,
			  remote_data(a->remote, &un, sizeof(un)), len);
	unix_address_leave(a, &visit);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	*code = (int)-call->result;
	remote_begin(a->remote);
	return 0;
}

/* What a visit to the path shows. */
struct sight {
	const struct stat *stat;     /* of zeros: nothing */
	const struct ucred *listener; /* pid 0: unknown */
	const struct remote_call *connected;
};

static int look(struct applying *a, const Sn__UnixSocket *socket, struct sight *sight,
		struct sn_err *err)
{
	struct sockaddr_un un;
	size_t len = unix_address_make(&socket->address, &un);
	struct remote_call *probe, *call;
	socklen_t ucred_len = sizeof(struct ucred);
	struct unix_visit visit;
	uint64_t addr;

	remote_begin(a->remote);
	unix_address_enter(a, &socket->address, &visit);
	sight->stat = remote_room(a->remote, sizeof(struct stat), &addr);
	unix_address_stat(a->remote, &socket->address, addr);
	probe = remote_call(a->remote, "make a socket", SYS_socket, AF_UNIX,
			    socket->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	call = remote_try(a->remote, "connect", SYS_connect, 0,
			  remote_data(a->remote, &un, sizeof(un)), len);
	remote_ref(call, 0, probe);
	sight->connected = call;
	sight->listener = remote_room(a->remote, sizeof(struct ucred), &addr);
	call = remote_try(a->remote, "ask who listens", SYS_getsockopt, 0, SOL_SOCKET,
			  SO_PEERCRED, addr, remote_data(a->remote, &ucred_len, sizeof(ucred_len)));
	remote_ref(call, 0, probe);
	remote_ref(remote_call(a->remote, "close", SYS_close, 0), 0, probe);
	unix_address_leave(a, &visit);
	return remote_run(a->remote, a->thread->tid, err);
}

static int in_use(struct applying *a, const Sn__UnixSocket *socket, pid_t listener,
		  struct sn_err *err)
{
	const ProtobufCBinaryData *address = &socket->address;
	char name[SOCKET_NAME_BYTES], who[64];

	if (listener > 0)
		proc_who(listener, who, sizeof(who));
	else
		unix_holder(a->task->pid, address->data, address->len, who, sizeof(who));
	return sn_fail(err, "address %s is in use by %s",
		       unix_address_name(address->data, address->len, name, sizeof(name)), who);
}

/* 1: there is a stale socket; 0: nothing is there; -1: what must not be replaced. */
static int look_at_path(struct applying *a, const Sn__UnixSocket *socket, struct sn_err *err)
{
	char name[SOCKET_NAME_BYTES];
	struct sight sight;
	int code;

	if (look(a, socket, &sight, err) < 0)
		return -1;
	code = sight.connected->result < 0 ? (int)-sight.connected->result : 0;
	if (sight.stat->st_mode != 0 && !S_ISSOCK(sight.stat->st_mode))
		return sn_fail(err, "%s is in the way and not a socket",
			       unix_address_name(socket->address.data, socket->address.len, name,
						 sizeof(name)));
	if (code == ENOENT)
		return 0;
	if (code == ECONNREFUSED)
		return 1;
	return in_use(a, socket, sight.listener->pid, err);
}

static int bind_failed(struct applying *a, const Sn__UnixSocket *socket, int code,
		       struct sn_err *err)
{
	char name[SOCKET_NAME_BYTES];

	if (code == EADDRINUSE)
		return in_use(a, socket, 0, err);
	return sn_fail_code(err, code, "bind to %s",
			    unix_address_name(socket->address.data, socket->address.len, name,
					      sizeof(name)));
}

int unix_address_bind(struct applying *a, int fd, const Sn__UnixSocket *socket,
		      struct sn_err *err)
{
	bool path = unix_address_is_path(&socket->address);
	int code, stale;

	if (try_bind(a, fd, socket, false, &code, err) < 0)
		return -1;
	if (code == EADDRINUSE && path) {
		stale = look_at_path(a, socket, err);
		remote_begin(a->remote);
		if (stale < 0 || try_bind(a, fd, socket, stale, &code, err) < 0)
			return -1;
	}
	if (code)
		return bind_failed(a, socket, code, err);
	if (!path)
		return 0;
	unix_address_put_mode(a, socket);
	return applying_run(a, err);
}
