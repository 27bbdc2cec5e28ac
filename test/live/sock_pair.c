// SPDX-License-Identifier: Apache-2.0
/* Socket pairs, idle: stream, datagram, packets. */
#include "victim.h"
#include <fcntl.h>
#include <sys/socket.h>

enum { PAIRS = 3 };

static const int types[PAIRS] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

struct state {
	int pair[PAIRS][2];
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	for (int i = 0; i < PAIRS; i++) {
		fcntl(s->pair[i][0], F_SETFL, v->generation % 2 ? O_NONBLOCK : 0);
		fcntl(s->pair[i][1], F_SETFD, v->generation % 2 ? FD_CLOEXEC : 0);
	}
}

static void talk(struct victim *v, int from, int to, int type)
{
	char bytes[16] = "";
	int kind = -1;
	socklen_t len = sizeof(kind);

	CHECK(v, getsockopt(from, SOL_SOCKET, SO_TYPE, &kind, &len) == 0 && kind == type, "type");
	CHECK(v, send(from, "one", 3, 0) == 3 && send(from, "three", 5, 0) == 5, "send: %s",
	      strerror(errno));
	CHECK(v, recv(to, bytes, 16, MSG_DONTWAIT) == (type == SOCK_STREAM ? 8 : 3), "recv: %s",
	      strerror(errno));
	if (type != SOCK_STREAM)
		CHECK(v, recv(to, bytes, 16, MSG_DONTWAIT) == 5, "the second message");
	CHECK(v, recv(to, bytes, 16, MSG_DONTWAIT) < 0 && errno == EAGAIN, "something more");
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	for (int i = 0; i < PAIRS; i++) {
		talk(v, s->pair[i][0], s->pair[i][1], types[i]);
		talk(v, s->pair[i][1], s->pair[i][0], types[i]);
		CHECK(v, !!(fcntl(s->pair[i][0], F_GETFL) & O_NONBLOCK) ==
			 (v->generation % 2 == 1), "O_NONBLOCK");
		CHECK(v, fcntl(s->pair[i][1], F_GETFD) == (v->generation % 2 ? FD_CLOEXEC : 0),
		      "cloexec");
	}
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	for (int i = 0; i < PAIRS; i++)
		NEED(&v, socketpair(AF_UNIX, types[i], 0, s.pair[i]) == 0);
	victim_serve(&v, change, verify, &s);
}
