// SPDX-License-Identifier: Apache-2.0
// dry: harm
/* AMX: a tile that stays loaded while the thread sleeps. The processor's state is 11 KiB
 * then, and a process must have asked the kernel for it. */
#include "victim.h"
#include <cpuid.h>
#include <pthread.h>

enum {
	TILE_BYTES = 1024,
	REQUEST_PERMISSION = 0x1023, /* ARCH_REQ_XCOMP_PERM */
	TILE_DATA = 18,
};

struct state {
	struct victim *v;
	_Atomic unsigned long rounds;
};

static __attribute__((target("amx-tile"))) void *hold(void *arg)
{
	struct state *s = arg;
	struct {
		uint8_t palette, start, reserved[14];
		uint16_t bytes[16];
		uint8_t rows[16];
	} config = { .palette = 1, .bytes = { 64 }, .rows = { 16 } };
	uint64_t tile[TILE_BYTES / 8], back[TILE_BYTES / 8];
	struct timespec nap = { 0, 10000000 };
	long stride = 64;

	victim_fill(tile, TILE_BYTES, 1);
	asm volatile("ldtilecfg %0\n\ttileloadd (%1,%2,1), %%tmm0" ::"m"(config), "r"(tile),
		     "r"(stride) : "memory");
	for (;; s->rounds++) {
		syscall(SYS_nanosleep, &nap, NULL);
		memset(back, 0, TILE_BYTES);
		asm volatile("tilestored %%tmm0, (%0,%1,1)" ::"r"(back), "r"(stride) : "memory");
		if (victim_differs(back, TILE_BYTES, 1) >= 0)
			victim_fault(s->v, "the tile has changed");
	}
	return NULL;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;
	unsigned long before = s->rounds;

	victim_sleep_ms(60);
	CHECK(v, s->rounds >= before + 2 && !v->harm, "the thread stands still");
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { .v = &v };
	unsigned a, b, c, d = 0;
	pthread_t thread;

	victim_start(&v, argc, argv);
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & 1u << 24))
		victim_skip(&v, "the processor has no AMX");
	if (syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) < 0)
		victim_skip(&v, "the kernel does not allow AMX: %s", strerror(errno));
	NEED(&v, pthread_create(&thread, NULL, hold, &s) == 0);
	victim_serve(&v, NULL, verify, &s);
}
