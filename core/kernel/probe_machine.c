// SPDX-License-Identifier: Apache-2.0
/*
 * What the processor has and the system has switched on, and what this user may.
 *
 * Sources: Documentation/arch/x86/{xstate,shstk}.rst, capabilities(7), libcap(3), and for
 * cpuid and xgetbv the processor manuals (Intel SDM vol. 1, chapters 13 and 18).
 */
#include "core/kernel/probe.h"
#include "core/kernel/uapi.h"

#include <cpuid.h>
#include <errno.h>
#include <sys/capability.h>
#include <unistd.h>

enum {
	LEAF1_ECX_OSXSAVE = 1 << 27, /* xgetbv may be executed */
	LEAF7_EDX_AMX_TILE = 1 << 24,
	XFEATURE_TILE_CONFIG = 17,
	XFEATURE_TILE_DATA = 18,
};

#define XFEATURES_AMX \
	((UINT64_C(1) << XFEATURE_TILE_CONFIG) | (UINT64_C(1) << XFEATURE_TILE_DATA))

static uint64_t read_xcr0(void)
{
	unsigned eax, ebx, ecx, edx, low, high;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & LEAF1_ECX_OSXSAVE))
		return 0;
	__asm__ volatile("xgetbv"
			 : "=a"(low), "=d"(high)
			 : "c"(0));
	return (uint64_t)high << 32 | low;
}

bool probe_amx(struct probe *p)
{
	unsigned eax, ebx, ecx, edx;
	uint64_t xcr0 = read_xcr0();

	p->caps->xcr0 = xcr0;
	if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !(edx & LEAF7_EDX_AMX_TILE))
		return probe_no(p, "the processor has none (xcr0 %#llx)", (unsigned long long)xcr0);
	if ((xcr0 & XFEATURES_AMX) != XFEATURES_AMX)
		return probe_no(p, "not switched on (xcr0 %#llx)", (unsigned long long)xcr0);
	if (syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_TILE_DATA) < 0)
		return probe_no_sys(p, "ask for tiles (xcr0 %#llx)", (unsigned long long)xcr0);
	return probe_yes(p, "xcr0 %#llx", (unsigned long long)xcr0);
}

/* Only memory for one is asked for: a thread that switched to it could not return. */
bool probe_shadow_stack(struct probe *p)
{
	long mem = syscall(SYS_map_shadow_stack, 0, PAGE_BYTES, 0);

	if (mem == -1)
		return probe_no_sys(p, "map_shadow_stack (Linux 6.6)");
	munmap((void *)mem, PAGE_BYTES);
	return probe_yes(p, "memory for one was given");
}

/* ---- capabilities ---- */

static void release_caps(cap_t *state)
{
	if (*state)
		cap_free(*state);
}

int probe_capabilities(struct kernel_caps *caps, struct sn_err *err)
{
	__attribute__((cleanup(release_caps))) cap_t state = cap_get_proc();
	cap_flag_value_t effective, permitted;

	if (!state)
		return sn_fail_sys(err, "read our own capabilities");
	for (cap_value_t cap = 0; cap < 64 && cap <= CAP_LAST_CAP; cap++) {
		if (cap_get_flag(state, cap, CAP_EFFECTIVE, &effective) < 0 ||
		    cap_get_flag(state, cap, CAP_PERMITTED, &permitted) < 0)
			break; /* beyond those of this kernel */
		caps->cap_effective |= (uint64_t)(effective == CAP_SET) << cap;
		caps->cap_permitted |= (uint64_t)(permitted == CAP_SET) << cap;
	}
	return 0;
}

bool probe_capability(struct probe *p)
{
	uint64_t bit = UINT64_C(1) << p->feature->capability;

	if (p->caps->cap_effective & bit)
		return probe_yes(p, "effective");
	return probe_no(p, p->caps->cap_permitted & bit ? "permitted, but not effective"
							: "not permitted");
}
