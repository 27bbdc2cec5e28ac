// SPDX-License-Identifier: Apache-2.0
// refuse: userfault
// dry: harm
/* A userfaultfd of the application's own: whoever answers its faults cannot be seen. */
#include "victim.h"
#include <fcntl.h>
#include <linux/userfaultfd.h>

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

static void verify(struct victim *v, void *state)
{
	CHECK(v, fcntl(*(int *)state + (v->harm ? 100 : 0), F_GETFD) >= 0, "it is closed");
}

int main(int argc, char **argv)
{
	struct victim v;
	int fd;

	victim_start(&v, argc, argv);
	fd = (int)syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY);
	if (fd < 0)
		victim_skip(&v, "no userfaultfd: %s", strerror(errno));
	victim_serve(&v, NULL, verify, &fd);
}
