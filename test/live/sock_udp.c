// SPDX-License-Identifier: Apache-2.0
/* UDP: bound, bound and connected, IPv6; with options. */
#include "victim.h"
#include <netinet/in.h>
#include <sys/socket.h>

struct state {
	int bound, connected, v6;
	struct sockaddr_in at;
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	int on = (int)(v->generation % 2), ttl = 40 + (int)v->generation;

	CHECK(v, setsockopt(s->bound, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) == 0, "option");
	CHECK(v, setsockopt(s->bound, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)) == 0, "option");
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	getsockopt(fd, level, name, &value, &len);
	return value;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	struct sockaddr_in now = { 0 };
	socklen_t len = sizeof(now);
	char bytes[8];

	CHECK(v, getsockname(s->bound, (struct sockaddr *)&now, &len) == 0 &&
		 now.sin_port == s->at.sin_port, "it is bound to port %d", ntohs(now.sin_port));
	CHECK(v, option(s->bound, SOL_SOCKET, SO_BROADCAST) == (int)(v->generation % 2),
	      "SO_BROADCAST");
	CHECK(v, option(s->bound, IPPROTO_IP, IP_TTL) == 40 + (int)v->generation, "IP_TTL");
	CHECK(v, send(s->connected, "hello", 5, 0) == 5, "send: %s", strerror(errno));
	CHECK(v, recv(s->bound, bytes, sizeof(bytes), MSG_DONTWAIT) == 5, "nothing received: %s",
	      strerror(errno));
	CHECK(v, s->v6 < 0 || option(s->v6, SOL_SOCKET, SO_DOMAIN) == AF_INET6, "IPv6");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { .at = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	socklen_t len = sizeof(s.at);

	victim_start(&v, argc, argv);
	s.bound = socket(AF_INET, SOCK_DGRAM, 0);
	s.connected = socket(AF_INET, SOCK_DGRAM, 0);
	NEED(&v, bind(s.bound, (struct sockaddr *)&s.at, sizeof(s.at)) == 0);
	NEED(&v, getsockname(s.bound, (struct sockaddr *)&s.at, &len) == 0);
	NEED(&v, connect(s.connected, (struct sockaddr *)&s.at, sizeof(s.at)) == 0);
	s.v6 = socket(AF_INET6, SOCK_DGRAM, 0);
	if (s.v6 >= 0)
		bind(s.v6, (struct sockaddr *)&any, sizeof(any));
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}
