// SPDX-License-Identifier: Apache-2.0
// Deep recursion, a signal frame, and several threads that wait in functions of their own.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct job {
	int id;
	const char *name;
	double weight;
};

static struct job jobs[3] = {{1, "one", 0.5}, {2, "two", 1.5}, {3, "three", 2.5}};
static __thread int mine = 7;
__thread char label[8] = "none";

static void __attribute__((noinline)) rest(int ready)
{
	if (ready) {
		puts("ready");
		fflush(stdout);
	}
	for (;;)
		pause();
}

static void __attribute__((noinline)) handler(int sig)
{
	volatile int seen = sig;

	rest(seen == SIGUSR1);
}

static int __attribute__((noinline)) recurse(int depth, struct job *job)
{
	int local = depth * 2;

	if (depth > 1000000) { /* optimised: cold, and in another place than the rest */
		fprintf(stderr, "job %s\n", job->name);
		abort();
	}
	if (depth == 0)
		kill(getpid(), SIGUSR1);
	else
		local += recurse(depth - 1, job);
	return local + job->id;
}

static void *__attribute__((noinline)) work(void *arg)
{
	struct job *job = arg;

	mine = job->id * 100;
	snprintf(label, sizeof(label), "job %d", job->id);
	rest(0);
	return NULL;
}

int main(int argc, char **argv)
{
	int depth = argc > 1 ? atoi(argv[1]) : 20;
	struct sigaction action = {.sa_handler = handler};
	pthread_t threads[3];

	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, work, &jobs[i]);
	usleep(100000);
	return recurse(depth, &jobs[1]);
}
