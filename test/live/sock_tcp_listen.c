// SPDX-License-Identifier: Apache-2.0
/*
 * Listening TCP: IPv4 with options, IPv6 alone, and one without SO_REUSEADDR, whose port
 * is busy with the remains of old connections. Each must accept.
 */
#include "victim.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

struct state {
	int v4, v6, plain;
	uint16_t port4, port6, port_plain;
};

static int listen_on(int family, bool reuse, int backlog, uint16_t *port)
{
	struct sockaddr_in6 a = { .sin6_family = (sa_family_t)family };
	struct sockaddr_in *a4 = (struct sockaddr_in *)&a;
	socklen_t len = family == AF_INET ? sizeof(*a4) : sizeof(a);
	int one = 1, fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (reuse)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
		a.sin6_addr = in6addr_loopback;
	} else {
		a4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}
	if (bind(fd, (struct sockaddr *)&a, len) < 0 || listen(fd, backlog) < 0)
		return -1;
	getsockname(fd, (struct sockaddr *)&a, &len);
	*port = a.sin6_port; /* at the same place in both */
	return fd;
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	getsockopt(fd, level, name, &value, &len);
	return value;
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	int on = v->generation % 2, idle = 100 + (int)v->generation;

	setsockopt(s->v4, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(s->v4, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(s->v4, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* One connection to the listener; bytes go both ways. */
static void try(struct victim *v, int listener, int family, uint16_t port)
{
	struct sockaddr_in6 a = { .sin6_family = (sa_family_t)family, .sin6_port = port };
	struct sockaddr_in *a4 = (struct sockaddr_in *)&a;
	int client = socket(family, SOCK_STREAM, 0), server = -1;
	char got = 0;

	if (family == AF_INET)
		a4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		a.sin6_addr = in6addr_loopback;
	if (connect(client, (struct sockaddr *)&a, family == AF_INET ? sizeof(*a4) : sizeof(a)))
		victim_fail(v, "connect to port %d: %s", ntohs(port), strerror(errno));
	else if ((server = accept(listener, NULL, NULL)) < 0)
		victim_fail(v, "accept: %s", strerror(errno));
	else if (write(client, "q", 1) != 1 || read(server, &got, 1) != 1 || got != 'q')
		victim_fail(v, "the connection carries nothing");
	close(server); /* first here: the remains are on the listener's port */
	close(client);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	CHECK(v, option(s->v4, SOL_SOCKET, SO_ACCEPTCONN) == 1, "it does not listen any more");
	CHECK(v, option(s->v4, SOL_SOCKET, SO_KEEPALIVE) == (int)v->generation % 2, "KEEPALIVE");
	CHECK(v, option(s->v4, IPPROTO_TCP, TCP_NODELAY) == (int)v->generation % 2, "NODELAY");
	CHECK(v, option(s->v4, IPPROTO_TCP, TCP_KEEPIDLE) == 100 + (int)v->generation,
	      "KEEPIDLE is %d", option(s->v4, IPPROTO_TCP, TCP_KEEPIDLE));
	CHECK(v, option(s->v4, SOL_SOCKET, SO_REUSEADDR) == 1 &&
		 option(s->plain, SOL_SOCKET, SO_REUSEADDR) == 0, "REUSEADDR");
	try(v, s->v4, AF_INET, s->port4);
	try(v, s->plain, AF_INET, s->port_plain);
	if (s->v6 >= 0) {
		CHECK(v, option(s->v6, IPPROTO_IPV6, IPV6_V6ONLY) == 1, "V6ONLY");
		try(v, s->v6, AF_INET6, s->port6);
	}
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	s.v4 = listen_on(AF_INET, true, 17, &s.port4);
	s.plain = listen_on(AF_INET, false, 5, &s.port_plain);
	NEED(&v, s.v4 >= 0 && s.plain >= 0);
	s.v6 = listen_on(AF_INET6, true, 5, &s.port6); /* not every machine has it */
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}
