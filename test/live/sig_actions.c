// SPDX-License-Identifier: Apache-2.0
/* The action of every signal, with flags, mask and restorer, as the kernel holds it. */
#include "victim.h"
#include <signal.h>

struct kernel_action {
	uintptr_t handler;
	unsigned long flags;
	uintptr_t restorer;
	uint64_t mask;
};

static void handler(int number)
{
	(void)number;
}

static int action(int number, const struct kernel_action *set, struct kernel_action *old)
{
	return (int)syscall(SYS_rt_sigaction, number, set, old, 8);
}

static struct kernel_action wanted(int number, unsigned generation)
{
	static const unsigned long flags[] = {
		0, SA_RESTART, SA_NODEFER, SA_ONSTACK, SA_SIGINFO, SA_RESETHAND, SA_NOCLDSTOP,
		SA_NOCLDWAIT | SA_RESTART,
	};
	unsigned pick = (unsigned)number + generation;
	struct kernel_action a = { .flags = flags[pick % 8] | 0x04000000 /* SA_RESTORER */ };

	a.handler = pick % 5 == 0 ? (uintptr_t)SIG_IGN :
		    pick % 5 == 1 ? (uintptr_t)SIG_DFL : (uintptr_t)handler;
	a.restorer = 0x1000 + (uintptr_t)number; /* never used, must be kept */
	/* The kernel takes SIGKILL and SIGSTOP out. */
	a.mask = victim_word((size_t)number, generation) & ~(1ull << 8 | 1ull << 18);
	return a;
}

static bool settable(int number)
{
	return number != SIGKILL && number != SIGSTOP;
}

static void change(struct victim *v, void *state)
{
	(void)state;
	for (int i = 1; i <= 64; i++) {
		struct kernel_action a = wanted(i, v->generation);

		CHECK(v, !settable(i) || action(i, &a, NULL) == 0, "set %d", i);
	}
}

static void verify(struct victim *v, void *state)
{
	(void)state;
	for (int i = 1; i <= 64; i++) {
		struct kernel_action want = wanted(i, v->generation), is = { 0 };

		if (!settable(i))
			continue;
		CHECK(v, action(i, NULL, &is) == 0, "get %d", i);
		CHECK(v, is.handler == want.handler, "signal %d: handler %#lx", i, is.handler);
		CHECK(v, is.flags == want.flags, "signal %d: flags %#lx, not %#lx", i, is.flags,
		      want.flags);
		CHECK(v, is.mask == want.mask, "signal %d: mask %#llx", i,
		      (unsigned long long)is.mask);
		CHECK(v, is.restorer == want.restorer, "signal %d: restorer", i);
	}
}

int main(int argc, char **argv)
{
	struct victim v;

	victim_start(&v, argc, argv);
	change(&v, NULL);
	NEED(&v, !v.failed);
	victim_serve(&v, change, verify, NULL);
}
