// SPDX-License-Identifier: Apache-2.0
// refuse: [Nn]etlink
// dry: harm
/* A netlink socket, as an example of a family that is not handled. */
#include "victim.h"
#include <linux/netlink.h>
#include <sys/socket.h>

static void verify(struct victim *v, void *state)
{
	struct sockaddr_nl a;
	socklen_t len = sizeof(a);

	CHECK(v, getsockname(*(int *)state, (struct sockaddr *)&a, &len) == 0 &&
		 a.nl_family == AF_NETLINK && a.nl_pid && !v->harm, "it is not bound any more");
}

int main(int argc, char **argv)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK };
	struct victim v;
	int fd;

	victim_start(&v, argc, argv);
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	NEED(&v, fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	victim_serve(&v, NULL, verify, &fd);
}
