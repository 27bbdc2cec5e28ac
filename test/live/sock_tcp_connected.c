// SPDX-License-Identifier: Apache-2.0
// journeys: resume revert (restore: the kernel's connection is gone; chain: restores too)
/* A TCP connection, both ends here: snapshots do not disturb it, and a revert in place
 * leaves it as it is, with its listener. */
#include "victim.h"
#include <netinet/in.h>
#include <sys/socket.h>

struct state {
	int listener, client, server;
	uint64_t words[64];
};

static void change(struct victim *v, void *state)
{
	struct state *s = state;

	victim_fill(s->words, sizeof(s->words), v->generation);
}

static void talk(struct victim *v, int from, int to)
{
	uint64_t bytes[512];

	victim_fill(bytes, sizeof(bytes), 5);
	CHECK(v, send(from, bytes, sizeof(bytes), MSG_NOSIGNAL) == sizeof(bytes), "send: %s",
	      strerror(errno));
	memset(bytes, 0, sizeof(bytes));
	CHECK(v, recv(to, bytes, sizeof(bytes), MSG_WAITALL) == sizeof(bytes), "recv: %s",
	      strerror(errno));
	victim_expect(v, "what came", bytes, sizeof(bytes), 5);
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	victim_expect(v, "memory", s->words, sizeof(s->words), v->generation);
	talk(v, s->client, s->server);
	talk(v, s->server, s->client);
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	s.listener = socket(AF_INET, SOCK_STREAM, 0);
	s.client = socket(AF_INET, SOCK_STREAM, 0);
	NEED(&v, bind(s.listener, (struct sockaddr *)&a, len) == 0 && listen(s.listener, 1) == 0);
	NEED(&v, getsockname(s.listener, (struct sockaddr *)&a, &len) == 0);
	NEED(&v, connect(s.client, (struct sockaddr *)&a, len) == 0);
	NEED(&v, (s.server = accept(s.listener, NULL, NULL)) >= 0);
	change(&v, &s);
	victim_serve(&v, change, verify, &s);
}
