// SPDX-License-Identifier: Apache-2.0
/* Listening unix sockets: by path with a mode, abstract, and a bound datagram one. */
#include "victim.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

struct state {
	int path, abstract, datagram;
	struct sockaddr_un path_at, abstract_at, datagram_at;
	socklen_t path_len, abstract_len, datagram_len;
};

static int bound(int type, struct sockaddr_un *a, socklen_t *len, const char *name, bool abstract)
{
	int fd = socket(AF_UNIX, type, 0);
	size_t at = abstract ? 1 : 0;

	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	snprintf(a->sun_path + at, sizeof(a->sun_path) - at, "%s", name);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + at + strlen(name) + !abstract);
	if (bind(fd, (struct sockaddr *)a, *len) < 0)
		return -1;
	return fd;
}

static void try(struct victim *v, int listener, const struct sockaddr_un *a, socklen_t len)
{
	int client = socket(AF_UNIX, SOCK_STREAM, 0), server = -1;
	char got = 0;

	if (connect(client, (const struct sockaddr *)a, len) < 0)
		victim_fail(v, "connect to '%s': %s", a->sun_path, strerror(errno));
	else if ((server = accept(listener, NULL, NULL)) < 0)
		victim_fail(v, "accept: %s", strerror(errno));
	else if (write(client, "q", 1) != 1 || read(server, &got, 1) != 1 || got != 'q')
		victim_fail(v, "the connection carries nothing");
	close(server);
	close(client);
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	int on = (int)(v->generation % 2);

	CHECK(v, setsockopt(s->path, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0, "PASSCRED");
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	int on = -1, client = socket(AF_UNIX, SOCK_DGRAM, 0);
	socklen_t len = sizeof(on);
	struct stat st;
	char bytes[8];

	try(v, s->path, &s->path_at, s->path_len);
	try(v, s->abstract, &s->abstract_at, s->abstract_len);
	CHECK(v, getsockopt(s->path, SOL_SOCKET, SO_PASSCRED, &on, &len) == 0 &&
		 on == (int)(v->generation % 2), "SO_PASSCRED is %d", on);
	CHECK(v, stat(s->path_at.sun_path, &st) == 0 && (st.st_mode & 0777) == 0740, "mode");
	CHECK(v, sendto(client, "hello", 5, 0, (struct sockaddr *)&s->datagram_at,
			s->datagram_len) == 5, "sendto: %s", strerror(errno));
	CHECK(v, recv(s->datagram, bytes, sizeof(bytes), MSG_DONTWAIT) == 5, "no datagram");
	close(client);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	char name[60];

	victim_start(&v, argc, argv);
	snprintf(name, sizeof(name), "snapsh victim %d", (int)getpid());
	s.path = bound(SOCK_STREAM, &s.path_at, &s.path_len, "socket", false);
	s.abstract = bound(SOCK_STREAM, &s.abstract_at, &s.abstract_len, name, true);
	s.datagram = bound(SOCK_DGRAM, &s.datagram_at, &s.datagram_len, "datagrams", false);
	NEED(&v, s.path >= 0 && s.abstract >= 0 && s.datagram >= 0);
	NEED(&v, chmod("socket", 0740) == 0);
	NEED(&v, listen(s.path, 9) == 0 && listen(s.abstract, 3) == 0);
	victim_serve(&v, change, verify, &s);
}
