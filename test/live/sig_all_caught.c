// SPDX-License-Identifier: Apache-2.0
/*
 * Every signal that can be caught is caught, so there is no ignored one for snapsh to
 * use unseen: a handler that runs without a signal of ours is a fault.
 */
#include "victim.h"
#include <signal.h>

static volatile sig_atomic_t counts[65], expected; /* the handler's */
static struct victim *handlers_victim;

static void handler(int number, siginfo_t *info, void *context)
{
	(void)context;
	counts[number]++;
	if (number != expected)
		victim_fault(handlers_victim, "signal %d (code %d, from %d) out of nowhere", number,
			     info->si_code, info->si_pid);
}

static bool catchable(int number)
{
	return number != SIGKILL && number != SIGSTOP;
}

static void change(struct victim *v, void *state)
{
	(void)v;
	(void)state;
	for (int i = 1; i <= 64; i++) {
		expected = i;
		if (catchable(i) && i != 32 && i != 33) /* glibc's own */
			raise(i);
	}
	expected = 0;
}

static void verify(struct victim *v, void *state)
{
	(void)state;
	for (int i = 1; i <= 64; i++) {
		int want = catchable(i) && i != 32 && i != 33 ? (int)v->generation : 0;

		CHECK(v, counts[i] == want, "signal %d came %d times, not %d", i, (int)counts[i],
		      want);
	}
}

int main(int argc, char **argv)
{
	struct {
		uintptr_t handler;
		unsigned long flags;
		uintptr_t restorer;
		uint64_t mask;
	} ours;
	struct victim v;
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART };

	victim_start(&v, argc, argv);
	handlers_victim = &v;
	NEED(&v, sigaction(SIGUSR1, &sa, NULL) == 0);
	/* Below glibc, which keeps 32 and 33 for itself. */
	syscall(SYS_rt_sigaction, SIGUSR1, NULL, &ours, 8);
	for (int i = 1; i <= 64; i++)
		NEED(&v, !catchable(i) || syscall(SYS_rt_sigaction, i, &ours, NULL, 8) == 0);
	victim_serve(&v, change, verify, NULL);
}
