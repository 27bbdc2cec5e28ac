// SPDX-License-Identifier: Apache-2.0
// refuse: SCM_RIGHTS|descriptor.*(flight|queue|message)|message.*descriptor|in flight
// dry: harm
/* A descriptor on its way through a socket: open, and in nobody's table. */
#include "victim.h"
#include <sys/socket.h>

/* Sends a pipe's end that holds "x", or receives one; -1 when that fails. */
static int pass(int socket, int fd)
{
	char byte = 'm', control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = "";
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	if (fd >= 0)
		return (int)sendmsg(socket, &message, 0);
	if (recvmsg(socket, &message, MSG_DONTWAIT) != 1)
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static void verify(struct victim *v, void *state)
{
	int *pair = state, fd = pass(pair[1], -1);
	char byte = 0;

	CHECK(v, fd >= 0, "no descriptor in the message: %s", strerror(errno));
	CHECK(v, read(fd, &byte, 1) == 1 && byte == 'x' && !v->harm, "it holds another file");
	close(fd);
}

int main(int argc, char **argv)
{
	struct victim v;
	int pair[2], ends[2];

	victim_start(&v, argc, argv);
	NEED(&v, socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	for (int i = 0; i < 8; i++) { /* one for each verification */
		NEED(&v, pipe(ends) == 0 && write(ends[1], "x", 1) == 1);
		close(ends[1]);
		NEED(&v, pass(pair[0], ends[0]) == 1);
		close(ends[0]);
	}
	victim_serve(&v, NULL, verify, pair);
}
