// SPDX-License-Identifier: Apache-2.0
// refuse: aio
// dry: harm
/* An asynchronous input/output context, io_setup(2): lives in the kernel and in a
 * mapping of it. */
#include "victim.h"
#include <linux/aio_abi.h>

static void verify(struct victim *v, void *state)
{
	aio_context_t context = *(aio_context_t *)state + v->harm;
	struct timespec t = { 0, 20000000 };
	struct io_event event;

	CHECK(v, syscall(SYS_io_getevents, context, 1, 1, &event, &t) == 0, "io_getevents: %s",
	      strerror(errno));
}

int main(int argc, char **argv)
{
	aio_context_t context = 0;
	struct victim v;

	victim_start(&v, argc, argv);
	if (syscall(SYS_io_setup, 4, &context) < 0)
		victim_skip(&v, "no asynchronous input/output: %s", strerror(errno));
	victim_serve(&v, NULL, verify, &context);
}
