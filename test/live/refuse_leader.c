// SPDX-License-Identifier: Apache-2.0
// refuse: main thread|leader
// varies: maps vmflags status limits timers tasks fds misc children (the leader has none of them)
// dry: harm
/* The main thread has ended, the others go on: /proc/PID is a zombie's. */
#include "victim.h"
#include <pthread.h>

static void verify(struct victim *v, void *state)
{
	(void)state;
	CHECK(v, gettid() != getpid() && !v->harm, "the main thread lives");
}

static void *go_on(void *arg)
{
	victim_sleep_ms(30); /* until the main thread has ended */
	victim_serve(arg, NULL, verify, NULL);
}

int main(int argc, char **argv)
{
	static struct victim v; /* outlives main's stack */
	pthread_t thread;

	victim_start(&v, argc, argv);
	NEED(&v, pthread_create(&thread, NULL, go_on, &v) == 0);
	pthread_exit(NULL);
}
