// SPDX-License-Identifier: Apache-2.0
// refuse: io_uring
// dry: harm
/* An io_uring: its buffers are written behind the trackers' back, so it is refused. */
#include "victim.h"
#include <linux/io_uring.h>

static void verify(struct victim *v, void *state)
{
	int fd = *(int *)state;

	CHECK(v, syscall(SYS_io_uring_enter, fd + (v->harm ? 100 : 0), 0, 0, 0, NULL, 0) == 0,
	      "io_uring_enter: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	struct io_uring_params params = { 0 };
	struct victim v;
	int fd;

	victim_start(&v, argc, argv);
	fd = (int)syscall(SYS_io_uring_setup, 8, &params);
	if (fd < 0)
		victim_skip(&v, "no io_uring: %s", strerror(errno));
	victim_serve(&v, NULL, verify, &fd);
}
