// SPDX-License-Identifier: Apache-2.0
/*
 * The application of the flows that look at one value over many snapshots. Each SIGUSR1 takes the
 * next step of the program; each SIGTERM ends it. "ready N" on standard output when step N is done.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { PAGE = 4096 };

struct box {
	int weight;
	const char *label;
};

/* Each has pages of its own, but those of `pair`, which share one. */
_Alignas(PAGE) int hp = 100;
_Alignas(PAGE) double ratio = 0.5;
_Alignas(PAGE) struct {
	int quiet, noise;
} pair = {.quiet = 7};
_Alignas(PAGE) struct box *box;
_Alignas(PAGE) int step;
_Alignas(PAGE) char rest[PAGE]; /* what else there is lies behind it */
_Thread_local int own = 3;

/* A local of the name of a global, in a frame that only odd steps wait in. */
__attribute__((noinline)) static int wait_inside(const sigset_t *set)
{
	volatile int local = step * 10;
	int signal = sigwaitinfo(set, NULL);

	return local >= 0 ? signal : 0;
}

static void take_step(void)
{
	step++;
	pair.noise = step;
	if (step == 3 || step == 6)
		hp -= 30;
	if (step == 4) {
		box = calloc(1, sizeof(*box));
		box->weight = 12;
		box->label = "heavy";
	}
	if (step == 5)
		ratio = 1.25;
	own += step % 2;
}

int main(void)
{
	sigset_t set;
	int signal;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	do {
		printf("ready %d\n", step);
		fflush(stdout);
		signal = step % 2 ? wait_inside(&set) : sigwaitinfo(&set, NULL);
		take_step();
	} while (signal == SIGUSR1);
	return 0;
}
