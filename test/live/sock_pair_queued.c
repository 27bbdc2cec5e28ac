// SPDX-License-Identifier: Apache-2.0
/* Socket pairs with messages waiting: their borders, order and contents; and one pair
 * that is shut down in one direction behind its last message. */
#include "victim.h"
#include <sys/socket.h>

enum {
	PAIRS = 3,
	MESSAGES = 4,
};

static const int types[PAIRS] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

struct state {
	int pair[PAIRS][2], closing[2];
};

static size_t length(unsigned message, unsigned generation)
{
	return 8 * (3 + message * 5 + generation);
}

static void fill(struct victim *v, int fd, unsigned pair)
{
	char bytes[1024];

	for (unsigned i = 0; i < MESSAGES; i++) {
		size_t len = length(i, v->generation);

		victim_fill(bytes, len, pair * 100 + i + v->generation);
		CHECK(v, send(fd, bytes, len, 0) == (ssize_t)len, "send: %s", strerror(errno));
	}
}

static void change(struct victim *v, void *state)
{
	struct state *s = state;
	char bytes[4096];

	for (unsigned i = 0; i < PAIRS; i++) {
		while (recv(s->pair[i][1], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
			;
		fill(v, s->pair[i][0], i);
	}
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	char bytes[1024];

	for (unsigned i = 0; i < PAIRS; i++) {
		for (unsigned k = 0; k < MESSAGES; k++) {
			size_t len = length(k, v->generation);
			size_t room = types[i] == SOCK_STREAM ? len : sizeof(bytes);
			ssize_t got = recv(s->pair[i][1], bytes, room, MSG_DONTWAIT);

			CHECK(v, got == (ssize_t)len, "pair %u, message %u: %zd bytes, not %zu", i,
			      k, got, len);
			victim_expect(v, "message", bytes, len, i * 100 + k + v->generation);
		}
		CHECK(v, recv(s->pair[i][1], bytes, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN,
		      "pair %u: more than was sent", i);
		fill(v, s->pair[i][0], i);
	}
	CHECK(v, recv(s->closing[1], bytes, 16, MSG_PEEK) == 4 && !memcmp(bytes, "last", 4),
	      "the last message");
	CHECK(v, send(s->closing[0], "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE,
	      "the shut direction is open");
	CHECK(v, send(s->closing[1], "x", 1, MSG_NOSIGNAL) == 1 &&
		 recv(s->closing[0], bytes, 1, MSG_DONTWAIT) == 1, "the other direction");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s;

	victim_start(&v, argc, argv);
	for (unsigned i = 0; i < PAIRS; i++) {
		NEED(&v, socketpair(AF_UNIX, types[i], 0, s.pair[i]) == 0);
		fill(&v, s.pair[i][0], i);
	}
	NEED(&v, socketpair(AF_UNIX, SOCK_STREAM, 0, s.closing) == 0);
	NEED(&v, send(s.closing[0], "last", 4, 0) == 4 && shutdown(s.closing[0], SHUT_WR) == 0);
	victim_serve(&v, change, verify, &s);
}
