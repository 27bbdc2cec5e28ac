// SPDX-License-Identifier: Apache-2.0
// snaps: 300
// dry: harm
/*
 * accept for ever, and calls with a timeout of the socket's (SO_RCVTIMEO): the kernel
 * does not restart those, signal(7), so a stop shows as EINTR if nobody takes care.
 */
#include "blocker.h"
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

static int accept_one(struct blocker *b)
{
	int fd = accept(b->fd, NULL, NULL);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static void connect_once(struct blocker *b)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	getsockname(b->fd, (struct sockaddr *)&a, &len);
	(void)!connect(fd, (struct sockaddr *)&a, len);
	close(fd);
}

static int timed_out(long result)
{
	if (result >= 0)
		errno = EEXIST;
	return errno == EAGAIN ? 0 : -1;
}

static int timed_accept(struct blocker *b)
{
	return timed_out(accept(b->fd, NULL, NULL));
}

static int timed_recv(struct blocker *b)
{
	char byte;

	return timed_out(recv(b->fd, &byte, 1, 0));
}

static int timed_recvmsg(struct blocker *b)
{
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	return timed_out(recvmsg(b->fd, &message, 0));
}

static int endless_recv(struct blocker *b)
{
	char byte;

	return recv(b->fd, &byte, 1, 0) == 1 ? 0 : -1;
}

static void send_one(struct blocker *b)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	getsockname(b->fd, (struct sockaddr *)&a, &len);
	sendto(b->fd, "k", 1, 0, (struct sockaddr *)&a, len);
}

static void verify(struct victim *v, void *state)
{
	blockers_verify(v, state, 5);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct timeval timeout = { 0, 60000 };
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct blocker b[5] = {
		{ .name = "recv with SO_RCVTIMEO", .call = timed_recv },
		{ .name = "accept for ever", .call = accept_one, .kick = connect_once },
		{ .name = "accept with SO_RCVTIMEO", .call = timed_accept },
		{ .name = "recvmsg with SO_RCVTIMEO", .call = timed_recvmsg },
		{ .name = "recv for ever", .call = endless_recv, .kick = send_one },
	};

	victim_start(&v, argc, argv);
	for (int i = 0; i < 5; i++) {
		bool tcp = i == 1 || i == 2;

		b[i].fd = socket(AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
		NEED(&v, bind(b[i].fd, (struct sockaddr *)&a, sizeof(a)) == 0);
		NEED(&v, !tcp || listen(b[i].fd, 5) == 0);
		if (i == 0 || i == 2 || i == 3)
			setsockopt(b[i].fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	}
	blockers_start(&v, b, 5);
	victim_serve(&v, NULL, verify, b);
}
