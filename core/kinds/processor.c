// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/processor.h"

#include "core/kernel/uapi.h"

#include <errno.h>

/* ---- of the process ---- */

static int ask_use(struct reading *r, void *message, struct sn_err *err)
{
	uint64_t addr;

	(void)message;
	(void)err;
	r->keep[0] = remote_room(r->remote, sizeof(uint64_t), &addr);
	remote_try(r->remote, "read processor permissions", SYS_arch_prctl, ARCH_GET_XCOMP_PERM,
		   addr);
	return 0;
}

static int take_use(struct reading *r, void *message, struct sn_err *err)
{
	Sn__ProcessorUse *model = message;

	(void)err;
	model->xfeatures = *(const uint64_t *)r->keep[0]; /* 0: a kernel that gives none */
	return 0;
}

static int correct_use(struct applying *a, const void *have, const void *want, struct sn_err *err)
{
	const Sn__ProcessorUse *old = have, *new = want;
	uint64_t missing = (new ? new->xfeatures : 0) & ~(old ? old->xfeatures : 0);
	int feature;

	(void)err;
	/* those that need no permission are there without asking; asking does no harm */
	for (feature = 0; feature < 64; feature++)
		if (missing >> feature & 1)
			remote_call(a->remote, "get permission for processor state", SYS_arch_prctl,
				    ARCH_REQ_XCOMP_PERM, (uint64_t)feature);
	return 0;
}

/* ---- of a thread ---- */

static int ask_control(struct reading *r, void *message, struct sn_err *err)
{
	uint64_t addr, which;

	(void)message;
	(void)err;
	r->keep[0] = remote_room(r->remote, sizeof(uint32_t), &addr);
	r->keep[1] = remote_try(r->remote, "read cpuid faulting", SYS_arch_prctl, ARCH_GET_CPUID);
	remote_call(r->remote, "read rdtsc faulting", SYS_prctl, PR_GET_TSC, addr);
	for (which = PR_SPEC_STORE_BYPASS; which <= PR_SPEC_L1D_FLUSH; which++)
		r->keep[2 + which] = remote_try(r->remote, "read speculation control", SYS_prctl,
						PR_GET_SPECULATION_CTRL, which);
	return 0;
}

static int take_control(struct reading *r, void *message, struct sn_err *err)
{
	const struct remote_call *cpuid = r->keep[1];
	Sn__ProcessorControl *model = message;
	uint32_t *const values[] = {&model->store_bypass, &model->indirect_branch,
				    &model->l1d_flush};
	int which;

	(void)err;
	model->tsc = *(const uint32_t *)r->keep[0];
	model->cpuid_faults = cpuid->result == 0;
	for (which = PR_SPEC_STORE_BYPASS; which <= PR_SPEC_L1D_FLUSH; which++) {
		const struct remote_call *call = r->keep[2 + which];

		*values[which] = call->result > 0 ? (uint32_t)call->result : 0;
	}
	return 0;
}

static void set_speculation(struct applying *a, uint64_t which, uint32_t old, uint32_t new)
{
	const uint32_t settable = PR_SPEC_ENABLE | PR_SPEC_DISABLE | PR_SPEC_FORCE_DISABLE |
				  PR_SPEC_DISABLE_NOEXEC;

	/* without PR_SPEC_PRCTL the value is the machine's, not the thread's */
	if (old != new && (new & PR_SPEC_PRCTL) && (new & settable))
		remote_call(a->remote, "set speculation control", SYS_prctl,
			    PR_SET_SPECULATION_CTRL, which, new & settable);
}

static int correct_control(struct applying *a, const void *have, const void *want,
			   struct sn_err *err)
{
	const Sn__ProcessorControl none = SN__PROCESSOR_CONTROL__INIT;
	const Sn__ProcessorControl *new = want, *old = have ? have : &none;

	(void)err;
	if (!new)
		return 0;
	if (old->tsc != new->tsc && new->tsc)
		remote_call(a->remote, "set rdtsc faulting", SYS_prctl, PR_SET_TSC, new->tsc);
	if (old->cpuid_faults != new->cpuid_faults)
		remote_call(a->remote, "set cpuid faulting", SYS_arch_prctl, ARCH_SET_CPUID,
			    !new->cpuid_faults);
	set_speculation(a, PR_SPEC_STORE_BYPASS, old->store_bypass, new->store_bypass);
	set_speculation(a, PR_SPEC_INDIRECT_BRANCH, old->indirect_branch, new->indirect_branch);
	set_speculation(a, PR_SPEC_L1D_FLUSH, old->l1d_flush, new->l1d_flush);
	return 0;
}

const struct kind kind_processor_use = {
	.name = "processor permissions",
	.level = KIND_TASK,
	.field = 30,
	.stage = STAGE_TASK,
	.ask = ask_use,
	.take = take_use,
	.correct = correct_use,
};

const struct kind kind_processor_control = {
	.name = "processor controls",
	.level = KIND_THREAD,
	.field = 28,
	.stage = STAGE_THREAD,
	.ask = ask_control,
	.take = take_control,
	.correct = correct_control,
};
