// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/parent_death.h"

#include "core/kinds/credentials.h"
#include "core/kinds/plan.h"
#include "core/kinds/thread.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	uint64_t addr;

	(void)message;
	(void)err;
	r->keep[0] = remote_room(r->remote, sizeof(uint32_t), &addr);
	remote_call(r->remote, "read the parent-death signal", SYS_prctl, PR_GET_PDEATHSIG, addr);
	return 0;
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	Sn__ParentDeath *model = message;

	(void)err;
	model->signal = *(const uint32_t *)r->keep[0];
	return 0;
}

static int plan(struct plan *plan, const Sn__Task *have, const Sn__Task *want, struct sn_err *err)
{
	size_t i;

	(void)err;
	for (i = 0; i < want->n_threads; i++) {
		const Sn__Thread *thread = want->threads[i];
		const Sn__Thread *old = thread_by_tid(have, thread->tid);
		const ProtobufCMessage *to = (const void *)thread->parent_death;
		const ProtobufCMessage *from = old ? (const void *)old->parent_death : NULL;

		if (to && (!message_equal(from, to) || credentials_differ(have, thread)))
			plan_add(plan, (struct step){.stage = STAGE_SECURITY,
						     .verb = VERB_CORRECT,
						     .kind = &kind_parent_death,
						     .have = from,
						     .want = to,
						     .tid = (pid_t)thread->tid});
	}
	return 0;
}

static int apply(struct applying *a, const struct step *step, struct sn_err *err)
{
	const Sn__ParentDeath *model = (const void *)step->want;

	(void)err;
	remote_call(a->remote, "set the parent-death signal", SYS_prctl, PR_SET_PDEATHSIG,
		    model->signal);
	return 0;
}

const struct kind kind_parent_death = {
	.name = "parent-death signal",
	.level = KIND_THREAD,
	.field = 27,
	.stage = STAGE_SECURITY,
	.ask = ask,
	.take = take,
	.plan = plan,
	.apply = apply,
};
