// SPDX-License-Identifier: Apache-2.0
// snaps: 300
// dry: harm
/* Sleeps: relative, on three clocks, absolute, very long; none may be cut or fail. */
#include "blocker.h"

enum { NAP_MS = 40 };

static struct timespec after(clockid_t clock, long ms)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_nsec += ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static int early(int64_t begun)
{
	if (victim_ms(CLOCK_MONOTONIC) - begun >= NAP_MS)
		return 0;
	errno = ETIME;
	return -1;
}

static int relative(struct blocker *b)
{
	int64_t begun = victim_ms(CLOCK_MONOTONIC);
	struct timespec nap = { 0, NAP_MS * 1000000 };

	(void)b;
	return syscall(SYS_nanosleep, &nap, &nap) < 0 ? -1 : early(begun);
}

static int on_clock(struct blocker *b)
{
	int64_t begun = victim_ms(CLOCK_MONOTONIC);
	struct timespec nap = { 0, NAP_MS * 1000000 };

	return syscall(SYS_clock_nanosleep, b->fd, 0, &nap, NULL) < 0 ? -1 : early(begun);
}

static int absolute(struct blocker *b)
{
	struct timespec until = after(b->fd, NAP_MS);

	return (int)syscall(SYS_clock_nanosleep, b->fd, TIMER_ABSTIME, &until, NULL);
}

static void verify(struct victim *v, void *state)
{
	blockers_verify(v, state, 6);
}

int main(int argc, char **argv)
{
	struct victim v;
	struct blocker b[6] = {
		{ .name = "nanosleep", .call = relative, .fd = 0 },
		{ .name = "clock_nanosleep MONOTONIC", .call = on_clock, .fd = CLOCK_MONOTONIC },
		{ .name = "clock_nanosleep REALTIME", .call = on_clock, .fd = CLOCK_REALTIME },
		{ .name = "clock_nanosleep BOOTTIME", .call = on_clock, .fd = CLOCK_BOOTTIME },
		{ .name = "absolute MONOTONIC", .call = absolute, .fd = CLOCK_MONOTONIC },
		{ .name = "absolute REALTIME", .call = absolute, .fd = CLOCK_REALTIME },
	};

	victim_start(&v, argc, argv);
	blockers_start(&v, b, 6);
	victim_serve(&v, NULL, verify, b);
}
