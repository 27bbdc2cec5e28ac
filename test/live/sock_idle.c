// SPDX-License-Identifier: Apache-2.0
/* Sockets that are not connected to anything, with the options set on them. */
#include "victim.h"
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

struct state {
	int tcp, udp, local, changing;
};

static int option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	getsockopt(fd, SOL_SOCKET, name, &value, &len);
	return value;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	struct timeval timeout = { 3 + v->generation, 500000 };
	struct linger linger = { 1, 10 + (int)v->generation };
	int size = 20000 + 1000 * (int)v->generation;

	setsockopt(s->tcp, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(s->tcp, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	setsockopt(s->udp, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	close(s->changing);
	s->changing = socket(v->generation % 2 ? AF_UNIX : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	struct timeval timeout;
	struct linger linger;
	socklen_t len = sizeof(timeout);

	CHECK(v, option(s->tcp, SO_TYPE) == SOCK_STREAM && option(s->tcp, SO_DOMAIN) == AF_INET &&
		 option(s->tcp, SO_ACCEPTCONN) == 0, "tcp");
	CHECK(v, getsockopt(s->tcp, SOL_SOCKET, SO_RCVTIMEO, &timeout, &len) == 0 &&
		 timeout.tv_sec == 3 + v->generation && timeout.tv_usec / 10000 == 50,
	      "SO_RCVTIMEO is %ld s", (long)timeout.tv_sec);
	len = sizeof(linger);
	CHECK(v, getsockopt(s->tcp, SOL_SOCKET, SO_LINGER, &linger, &len) == 0 && linger.l_onoff &&
		 linger.l_linger == 10 + (int)v->generation, "SO_LINGER");
	/* The kernel doubles what is set, socket(7). */
	CHECK(v, option(s->udp, SO_RCVBUF) == 2 * (20000 + 1000 * (int)v->generation),
	      "SO_RCVBUF is %d", option(s->udp, SO_RCVBUF));
	CHECK(v, option(s->local, SO_DOMAIN) == AF_UNIX && option(s->local, SO_PASSCRED) == 1,
	      "unix");
	CHECK(v, option(s->changing, SO_DOMAIN) == (v->generation % 2 ? AF_UNIX : AF_INET),
	      "the changing one");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;
	int one = 1;

	victim_start(&v, argc, argv);
	s.tcp = socket(AF_INET, SOCK_STREAM, 0);
	s.udp = socket(AF_INET, SOCK_DGRAM, 0);
	s.local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	s.changing = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	NEED(&v, s.tcp >= 0 && s.udp >= 0 && s.local >= 0 && s.changing >= 0);
	setsockopt(s.local, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}
