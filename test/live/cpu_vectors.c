// SPDX-License-Identifier: Apache-2.0
/*
 * Registers of a thread that never enters the kernel: general ones, x87, SSE, AVX and
 * AVX-512 with its masks, control words and flags. Each thread loads a pattern, then
 * compares in a loop for as long as its generation lasts.
 */
#include "victim.h"
#include <pthread.h>

enum {
	KINDS = 4, /* SSE with MXCSR, x87, AVX, AVX-512 */
	LOOPS = 20000,
};

struct thread {
	struct state *state;
	unsigned kind;
	_Atomic unsigned long rounds;
};

struct state {
	struct victim *v;
	_Atomic unsigned generation;
	unsigned kinds;
	struct thread threads[KINDS];
};

/* Each loads its pattern from `p`, spins, stores it to `q`; no call in between. */
static void spin_sse(const uint64_t *p, uint64_t *q)
{
	uint32_t control = 0x1f80 | 0x6000, saved, after; /* round towards zero */

	asm volatile("stmxcsr %[saved]\n\tldmxcsr %[control]\n\t"
		     "movups (%[p]), %%xmm0\n\tmovups 16(%[p]), %%xmm7\n\t"
		     "movups 32(%[p]), %%xmm15\n\tmov 48(%[p]), %%r15\n\t"
		     "mov %[loops], %%ecx\n"
		     "1:\tdec %%ecx\n\tjnz 1b\n\t"
		     "movups %%xmm0, (%[q])\n\tmovups %%xmm7, 16(%[q])\n\t"
		     "movups %%xmm15, 32(%[q])\n\tmov %%r15, 48(%[q])\n\t"
		     "stmxcsr %[after]\n\tldmxcsr %[saved]\n\t"
		     : [saved] "=m"(saved), [after] "=m"(after)
		     : [p] "r"(p), [q] "r"(q), [loops] "i"(LOOPS), [control] "m"(control)
		     : "xmm0", "xmm7", "xmm15", "r15", "ecx", "memory", "cc");
	q[7] = p[7] + ((after & 0xffc0) != control);
}

static void spin_x87(const uint64_t *p, uint64_t *q)
{
	uint16_t control = 0x0f7f, saved, after; /* round towards zero, all masked */
	double a = (double)(p[0] >> 12), b = (double)(p[1] >> 12), x = 0, y = 0;

	memcpy(q, p, 64);
	asm volatile("fnstcw %[saved]\n\tfldcw %[control]\n\t"
		     "fldl %[a]\n\tfldl %[b]\n\t"
		     "mov %[loops], %%ecx\n"
		     "1:\tdec %%ecx\n\tjnz 1b\n\t"
		     "fstpl %[y]\n\tfstpl %[x]\n\t"
		     "fnstcw %[after]\n\tfldcw %[saved]\n\t"
		     : [saved] "=m"(saved), [after] "=m"(after), [x] "=m"(x), [y] "=m"(y)
		     : [a] "m"(a), [b] "m"(b), [loops] "i"(LOOPS), [control] "m"(control)
		     : "ecx", "memory", "cc", "st", "st(1)");
	if (x != a || y != b || after != control)
		q[0]++;
}

static __attribute__((target("avx"))) void spin_avx(const uint64_t *p, uint64_t *q)
{
	asm volatile("vmovups (%[p]), %%ymm1\n\tvmovups 32(%[p]), %%ymm14\n\t"
		     "mov %[loops], %%ecx\n"
		     "1:\tdec %%ecx\n\tjnz 1b\n\t"
		     "vmovups %%ymm1, (%[q])\n\tvmovups %%ymm14, 32(%[q])\n\tvzeroupper\n\t"
		     :
		     : [p] "r"(p), [q] "r"(q), [loops] "i"(LOOPS)
		     : "xmm1", "xmm14", "ecx", "memory", "cc");
}

static __attribute__((target("avx512f"))) void spin_avx512(const uint64_t *p, uint64_t *q)
{
	uint64_t high[8] = { 0 };
	uint16_t mask = (uint16_t)p[0], masked = 0;

	asm volatile("vmovups (%[p]), %%zmm2\n\tvmovups (%[p]), %%zmm29\n\tkmovw %[mask], %%k5\n\t"
		     "mov %[loops], %%ecx\n"
		     "1:\tdec %%ecx\n\tjnz 1b\n\t"
		     "vmovups %%zmm2, (%[q])\n\tvmovups %%zmm29, %[high]\n\t"
		     "kmovw %%k5, %[masked]\n\t"
		     "vzeroupper\n\t"
		     : [high] "=m"(high), [masked] "=m"(masked)
		     : [p] "r"(p), [q] "r"(q), [loops] "i"(LOOPS), [mask] "m"(mask)
		     : "xmm2", "ecx", "memory", "cc");
	if (memcmp(high, p, sizeof(high)) != 0 || masked != mask)
		q[0]++;
}

static void *spin(void *arg)
{
	static void (*const spins[KINDS])(const uint64_t *, uint64_t *) = {
		spin_sse, spin_x87, spin_avx, spin_avx512,
	};
	struct thread *t = arg;
	uint64_t pattern[8], back[8];

	for (;; t->rounds++) {
		victim_fill(pattern, sizeof(pattern), t->state->generation * 10 + t->kind);
		spins[t->kind](pattern, back);
		if (memcmp(pattern, back, sizeof(pattern)) != 0)
			victim_fault(t->state->v, "registers of kind %u have changed", t->kind);
	}
	return NULL;
}

static void change(struct victim *v, void *state)
{
	((struct state *)state)->generation = v->generation;
}

static void verify(struct victim *v, void *state)
{
	struct state *s = state;

	CHECK(v, s->generation == v->generation, "another generation's pattern");
	for (unsigned i = 0; i < s->kinds; i++) {
		unsigned long before = s->threads[i].rounds;

		for (int k = 0; k < 400 && s->threads[i].rounds < before + 3; k++)
			victim_sleep_ms(5);
		CHECK(v, s->threads[i].rounds >= before + 3, "thread %u stands still", i);
	}
}

int main(int argc, char **argv)
{
	struct victim v;
	struct state s = { .v = &v, .kinds = 2 };
	pthread_t thread;

	victim_start(&v, argc, argv);
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx"))
		s.kinds = __builtin_cpu_supports("avx512f") ? 4 : 3;
	for (unsigned i = 0; i < s.kinds; i++) {
		s.threads[i].state = &s;
		s.threads[i].kind = i;
		NEED(&v, pthread_create(&thread, NULL, spin, &s.threads[i]) == 0);
	}
	/* a thread that has not begun yet still blocks every signal */
	for (unsigned i = 0; i < s.kinds; i++)
		while (s.threads[i].rounds == 0)
			victim_sleep_ms(1);
	victim_serve(&v, change, verify, &s);
}
