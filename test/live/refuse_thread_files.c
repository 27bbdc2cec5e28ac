// SPDX-License-Identifier: Apache-2.0
// refuse: descriptor|CLONE_FILES|files
// dry: harm
/* A thread with a table of descriptors of its own, unshare(CLONE_FILES). */
#include "victim.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>

struct state {
	_Atomic int own; /* a descriptor only the thread has */
	_Atomic bool ask;
	_Atomic int answer;
};

static void *other(void *arg)
{
	struct state *s = arg;

	unshare(CLONE_FILES);
	s->own = open("/dev/null", O_RDWR);
	for (;; victim_sleep_ms(2)) {
		if (s->ask)
			s->answer = 1 + (fcntl(s->own, F_GETFD) >= 0);
	}
	return NULL;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	CHECK(v, fcntl(s->own, F_GETFD) < 0 && !v->harm, "the main thread has it too");
	s->answer = 0;
	s->ask = true;
	while (!s->answer)
		victim_sleep_ms(1);
	s->ask = false;
	CHECK(v, s->answer == 2, "the thread has lost its descriptor");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { 0 };
	pthread_t thread;

	victim_start(&v, argc, argv);
	NEED(&v, pthread_create(&thread, NULL, other, &s) == 0);
	while (!s.own)
		victim_sleep_ms(1);
	victim_serve(&v, NULL, verify, &s);
}
