// SPDX-License-Identifier: Apache-2.0
// dry: harm
/*
 * The vdso and vvar: clock_gettime through them must work, agree with the system call
 * and never run backwards in a thread that reads it all the time.
 */
#include "victim.h"
#include <pthread.h>
#include <sys/auxv.h>

struct state {
	struct victim *v;
	uintptr_t vdso;
	char head[64];
	_Atomic unsigned long reads;
};

static int64_t ns(const struct timespec *t)
{
	return t->tv_sec * 1000000000LL + t->tv_nsec;
}

static void *reader(void *arg)
{
	struct state *s = arg;
	struct timespec now;
	int64_t last = 0;

	for (;; s->reads++) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (ns(&now) < last)
			victim_fault(s->v, "CLOCK_MONOTONIC went back by %lld ns",
				     (long long)(last - ns(&now)));
		last = ns(&now);
		if (s->reads % 1000 == 0)
			victim_sleep_ms(1);
	}
	return NULL;
}

static void verify(struct victim *v, void *state)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };
	struct state *s = state;
	unsigned long before = s->reads;
	unsigned cpu = 0;

	CHECK(v, getauxval(AT_SYSINFO_EHDR) == s->vdso, "AT_SYSINFO_EHDR has changed");
	CHECK(v, memcmp((void *)s->vdso, s->head, sizeof(s->head)) == 0, "no vdso at its place");
	for (size_t i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
		struct timespec fast, slow;

		clock_gettime(clocks[i], &fast);
		syscall(SYS_clock_gettime, clocks[i], &slow);
		if (v->harm)
			slow.tv_sec++;
		CHECK(v, ns(&slow) >= ns(&fast) && ns(&slow) - ns(&fast) < 500000000,
		      "clock %d: vdso and kernel differ by %lld ns", (int)clocks[i],
		      (long long)(ns(&slow) - ns(&fast)));
	}
	CHECK(v, getcpu(&cpu, NULL) == 0 && cpu < 4096, "getcpu says %u", cpu);
	victim_sleep_ms(50);
	CHECK(v, s->reads > before, "the reading thread stands still");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { .v = &v };
	pthread_t thread;

	victim_start(&v, argc, argv);
	s.vdso = getauxval(AT_SYSINFO_EHDR);
	if (!s.vdso)
		victim_skip(&v, "no vdso");
	memcpy(s.head, (void *)s.vdso, sizeof(s.head));
	NEED(&v, pthread_create(&thread, NULL, reader, &s) == 0);
	victim_serve(&v, NULL, verify, &s);
}
