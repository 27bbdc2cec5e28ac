// SPDX-License-Identifier: Apache-2.0
// snaps: 300
// dry: harm
/* Reading from what is empty, writing to what is full: pipe, eventfd, timerfd, socket
 * pair. Each waits for ever until the other side acts. */
#include "blocker.h"
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static int expect(ssize_t got, ssize_t wanted)
{
	if (got == wanted)
		return 0;
	if (got >= 0)
		errno = EPROTO; /* too little: the call was cut short */
	return -1;
}

static int read_byte(struct blocker *b)
{
	char byte;

	return expect(read(b->fd, &byte, 1), 1);
}

static int read_word(struct blocker *b)
{
	uint64_t count;

	return expect(read(b->fd, &count, 8), 8);
}

static void kick_byte(struct blocker *b)
{
	(void)!write(b->peer, "k", 1);
}

static void kick_word(struct blocker *b)
{
	uint64_t one = 1;

	(void)!write(b->fd, &one, 8);
}

/* The pipe is full; the writer needs more room than one kick of the reader makes. */
static int write_block(struct blocker *b)
{
	char block[2 * VICTIM_PAGE] = "";

	return expect(write(b->fd, block, sizeof(block)), sizeof(block));
}

static void kick_reader(struct blocker *b)
{
	char block[2 * VICTIM_PAGE];

	(void)!read(b->peer, block, VICTIM_PAGE);
	victim_sleep_ms(5);
	(void)!read(b->peer, block, VICTIM_PAGE);
}

static int recv_all(struct blocker *b)
{
	char bytes[2];

	return expect(recv(b->fd, bytes, 2, MSG_WAITALL), 2);
}

static void kick_twice(struct blocker *b)
{
	(void)!write(b->peer, "a", 1);
	victim_sleep_ms(5);
	(void)!write(b->peer, "b", 1);
}

static void verify(struct victim *v, void *state)
{
	blockers_verify(v, state, 5);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct itimerspec tick = { { 0, 60000000 }, { 0, 60000000 } };
	struct blocker b[5] = {
		{ .name = "read of a pipe", .call = read_byte, .kick = kick_byte },
		{ .name = "write to a full pipe", .call = write_block, .kick = kick_reader },
		{ .name = "read of an eventfd", .call = read_word, .kick = kick_word },
		{ .name = "read of a timerfd", .call = read_word },
		{ .name = "recv MSG_WAITALL", .call = recv_all, .kick = kick_twice },
	};
	int ends[2];
	char block[VICTIM_PAGE] = "";

	victim_start(&v, argc, argv);
	NEED(&v, pipe(ends) == 0);
	b[0].fd = ends[0];
	b[0].peer = ends[1];
	NEED(&v, pipe(ends) == 0);
	b[1].fd = ends[1];
	b[1].peer = ends[0];
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	while (write(ends[1], block, sizeof(block)) > 0)
		;
	fcntl(ends[1], F_SETFL, 0);
	b[2].fd = eventfd(0, 0);
	b[3].fd = timerfd_create(CLOCK_MONOTONIC, 0);
	NEED(&v, b[2].fd >= 0 && timerfd_settime(b[3].fd, 0, &tick, NULL) == 0);
	NEED(&v, socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	b[4].fd = ends[0];
	b[4].peer = ends[1];
	blockers_start(&v, b, 5);
	victim_serve(&v, NULL, verify, b);
}
