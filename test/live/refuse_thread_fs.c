// SPDX-License-Identifier: Apache-2.0
// refuse: working director|CLONE_FS|cwd
// dry: harm
/* A thread with a working directory and umask of its own, unshare(CLONE_FS). */
#include "victim.h"
#include <pthread.h>
#include <sched.h>

struct state {
	_Atomic unsigned rounds;
	_Atomic bool wrong;
};

static void *other(void *arg)
{
	struct state *s = arg;
	char where[200];

	unshare(CLONE_FS);
	(void)!chdir("/usr");
	for (;; s->rounds++) {
		if (!getcwd(where, sizeof(where)) || strcmp(where, "/usr") != 0)
			s->wrong = true;
		victim_sleep_ms(2);
	}
	return NULL;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	unsigned before = s->rounds;
	char where[4096];

	while (s->rounds < before + 2)
		victim_sleep_ms(1);
	CHECK(v, !s->wrong && !v->harm, "the thread is somewhere else");
	CHECK(v, getcwd(where, sizeof(where)) && strcmp(where, "/usr") != 0, "we are there too");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { 0 };
	pthread_t thread;

	victim_start(&v, argc, argv);
	NEED(&v, pthread_create(&thread, NULL, other, &s) == 0);
	while (!s.rounds)
		victim_sleep_ms(1);
	victim_serve(&v, NULL, verify, &s);
}
