// SPDX-License-Identifier: Apache-2.0
#include "core/tree/tree.h"

#include "core/base/mem.h"
#include "core/kinds/descriptor.h"
#include "core/kinds/object.h"
#include "core/kinds/thread.h"

enum { STEP_CALLS = 64, STEP_BYTES = 64 * 1024 }; /* more than any one step queues */

/* The thread a step's remote calls run in, with the wanted thread beside it. */
static int select_thread(struct applying *a, const struct step *step, struct sn_err *err)
{
	pid_t tid = step->kind->level == KIND_THREAD ? step->tid : a->task->pid;
	struct task_thread *thread = task_thread(a->task, tid);

	if (step->stage == STAGE_REGISTERS)
		thread = task_thread(a->task, step->tid);
	if (!thread)
		return sn_fail(err, "thread %d is not there", tid);
	if (a->thread && a->thread->tid != thread->tid && applying_run(a, err) < 0)
		return -1;
	/* looked up anew each time: threads come and go in between */
	a->thread = thread;
	a->want_thread = thread_by_tid(a->want_task, (uint32_t)thread->tid);
	return 0;
}

static int run_step(struct applying *a, const struct step *step, struct sn_err *err)
{
	const struct kind *kind = step->kind;

	if (select_thread(a, step, err) < 0)
		return -1;
	if (!remote_fits(a->remote, STEP_CALLS, STEP_BYTES) && applying_run(a, err) < 0)
		return -1;
	if (kind->apply)
		return kind->apply(a, step, err);
	return kind->correct(a, step->have, step->want, err);
}

int plan_apply(const struct plan *plan, struct applying *a,
	       int (*pages)(void *arg, struct applying *a, struct sn_err *err), void *arg,
	       struct sn_err *err)
{
	enum stage stage = STAGE_RELEASE;
	bool filled = false;
	size_t i;

	a->have_task = a->have->tasks[0];
	a->want_task = a->want->tasks[0];
	a->thread = task_leader(a->task);
	remote_begin(a->remote);
	for (i = 0; i <= plan->len; i++) {
		enum stage next = i < plan->len ? plan->steps[i].stage : STAGE_COUNT;

		if (next != stage) {
			if (applying_run(a, err) < 0)
				return -1;
			a->thread = task_leader(a->task);
			stage = next;
		}
		if (!filled && next > STAGE_PAGES) {
			filled = true;
			if (pages(arg, a, err) < 0)
				return sn_ctx(err, "memory");
		}
		if (i < plan->len && run_step(a, &plan->steps[i], err) < 0)
			return sn_ctx(err, "%s", plan->steps[i].kind->name);
	}
	return 0;
}

void applying_release(struct applying *a)
{
	applied_files_free(a->files);
	applied_objects_free(a->objects);
	a->files = NULL;
	a->objects = NULL;
}
