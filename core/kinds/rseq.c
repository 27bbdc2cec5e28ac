// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/rseq.h"

#include "core/kinds/plan.h"
#include "core/kinds/thread.h"

#include <sys/syscall.h>

enum { UNREGISTER = 1 }; /* RSEQ_FLAG_UNREGISTER, linux/rseq.h */

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	const struct task_rseq *rseq = &r->thread->rseq;
	Sn__Rseq *model = message;

	(void)err;
	model->pointer = rseq->pointer;
	model->size_bytes = rseq->size_bytes;
	model->signature = rseq->signature;
	model->flags = rseq->flags;
	return 0;
}

static void add(struct plan *plan, enum stage stage, const Sn__Rseq *have, const Sn__Rseq *want,
		uint32_t tid)
{
	plan_add(plan, (struct step){.stage = stage,
				     .verb = VERB_CORRECT,
				     .kind = &kind_rseq,
				     .have = (const void *)have,
				     .want = (const void *)want,
				     .tid = (pid_t)tid});
}

static int plan(struct plan *plan, const Sn__Task *have, const Sn__Task *want, struct sn_err *err)
{
	size_t i;

	(void)err;
	for (i = 0; i < want->n_threads; i++) {
		const Sn__Thread *thread = want->threads[i];
		const Sn__Thread *old_thread = thread_by_tid(have, thread->tid);
		const Sn__Rseq *old = old_thread ? old_thread->rseq : NULL, *new = thread->rseq;

		if (!plan->blank && message_equal((const void *)old, (const void *)new))
			continue;
		if (old && old->pointer)
			add(plan, STAGE_RELEASE, old, NULL, thread->tid);
		if (new && new->pointer)
			add(plan, STAGE_THREAD, NULL, new, thread->tid);
	}
	return 0;
}

static int apply(struct applying *a, const struct step *step, struct sn_err *err)
{
	const Sn__Rseq *old = (const void *)step->have, *new = (const void *)step->want;

	(void)err;
	if (old)
		remote_call(a->remote, "unregister rseq", SYS_rseq, old->pointer, old->size_bytes,
			    UNREGISTER, old->signature);
	if (new)
		remote_call(a->remote, "register rseq", SYS_rseq, new->pointer, new->size_bytes,
			    new->flags, new->signature);
	return 0;
}

const struct kind kind_rseq = {
	.name = "restartable sequence",
	.level = KIND_THREAD,
	.field = 21,
	.stage = STAGE_THREAD,
	.ask = ask,
	.plan = plan,
	.apply = apply,
};
