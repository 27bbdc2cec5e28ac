// SPDX-License-Identifier: Apache-2.0
/*
 * SIGTRAP, which every tracer is tempted to use: ignored in generations 0, 3, ...; blocked
 * and caught in 1, 4, ...; blocked, caught and pending in 2, 5, ...
 */
#include "victim.h"
#include <signal.h>

static volatile sig_atomic_t traps;

static void on_trap(int number)
{
	(void)number;
	traps++;
}

static void change(struct victim *v, void *state)
{
	struct sigaction sa = { .sa_handler = v->generation % 3 ? on_trap : SIG_IGN };
	sigset_t set;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGTRAP);
	signal(SIGTRAP, SIG_IGN); /* forgets a pending one */
	sigaction(SIGTRAP, &sa, NULL);
	sigprocmask(v->generation % 3 ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
	if (v->generation % 3 == 2)
		raise(SIGTRAP);
}

static void verify(struct victim *v, void *state)
{
	struct sigaction sa;
	sigset_t set;

	(void)state;
	CHECK(v, sigaction(SIGTRAP, NULL, &sa) == 0 &&
		 sa.sa_handler == (v->generation % 3 ? on_trap : SIG_IGN), "its action");
	CHECK(v, sigprocmask(SIG_BLOCK, NULL, &set) == 0 &&
		 sigismember(&set, SIGTRAP) == (v->generation % 3 != 0), "its mask");
	CHECK(v, sigpending(&set) == 0 && sigismember(&set, SIGTRAP) == (v->generation % 3 == 2),
	      "it is %spending", sigismember(&set, SIGTRAP) ? "" : "not ");
	CHECK(v, traps == 0, "%d handlers ran", (int)traps);
}

int main(int argc, char **argv)
{
	struct victim v;

	victim_start(&v, argc, argv);
	change(&v, NULL);
	victim_serve(&v, change, verify, NULL);
}
