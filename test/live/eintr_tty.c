// SPDX-License-Identifier: Apache-2.0
// start: run
// snaps: 100
// dry: none (only under snapsh run is there a terminal)
/* Reading from the terminal while nobody types: the read must neither fail nor return. */
#include "victim.h"
#include <pthread.h>

struct state {
	struct victim *v;
	_Atomic unsigned long begun;
};

static void *read_loop(void *arg)
{
	struct state *s = arg;
	char byte;

	for (;;) {
		s->begun++;
		victim_fault(s->v, "read of the terminal returned %zd: %s", read(0, &byte, 1),
			     strerror(errno));
		victim_sleep_ms(10);
	}
	return NULL;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	victim_sleep_ms(20);
	CHECK(v, s->begun == 1, "read %lu times", s->begun);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { .v = &v };
	pthread_t thread;

	victim_start(&v, argc, argv);
	if (!isatty(0))
		victim_skip(&v, "no terminal at descriptor 0");
	NEED(&v, pthread_create(&thread, NULL, read_loop, &s) == 0);
	victim_serve(&v, NULL, verify, &s);
}
