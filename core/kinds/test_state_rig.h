/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The controller of state_test.c: freezes the child, and an engine as small as can be that
 * reads it and makes it what a model says, each kind in the order of `tested`.
 */
#ifndef CORE_KINDS_TEST_STATE_RIG_H
#define CORE_KINDS_TEST_STATE_RIG_H

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/alt_stack.h"
#include "core/kinds/credentials.h"
#include "core/kinds/dumpable.h"
#include "core/kinds/file_system.h"
#include "core/kinds/interval_timers.h"
#include "core/kinds/limits.h"
#include "core/kinds/oom.h"
#include "core/kinds/parent_death.h"
#include "core/kinds/personality.h"
#include "core/kinds/plan.h"
#include "core/kinds/posix_timers.h"
#include "core/kinds/processor.h"
#include "core/kinds/rseq.h"
#include "core/kinds/scheduling.h"
#include "core/kinds/signal_actions.h"
#include "core/kinds/signal_queue.h"
#include "core/kinds/thread_area.h"
#include "core/kinds/thread_name.h"
#include "core/kinds/test_state_victim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { HOLE = 0x210000000 };

static const struct kind *const tested[] = {
	&kind_processor_use,   &kind_signal_actions,	 &kind_signal_queue,
	&kind_personality,     &kind_file_system,	 &kind_oom,
	&kind_thread_area,     &kind_rseq,		 &kind_alt_stack,
	&kind_thread_name,     &kind_processor_control, &kind_scheduling,
	&kind_thread_signal_queue, &kind_posix_timers,	 &kind_interval_timers,
	&kind_limits,	       &kind_credentials,	 &kind_parent_death,
	&kind_dumpable,
};

struct rig {
	struct shared *s;
	pid_t pid;
	struct kernel_caps caps;
	struct call_log *log;
	struct remote_gadgets gadgets;
	struct task task;
	struct remote *remote;
	struct sn_err err;
	char notes[512];
};

#define OK(rig, call)                                                    \
	do {                                                             \
		if ((call) < 0)                                          \
			fail_msg("%s: %s", #call, (rig)->err.text);      \
	} while (0)

/* Gives both threads an order and waits until it is done: the worker's first. */
static void order(struct rig *rig, enum order what)
{
	int i;

	for (i = THREADS - 1; i >= 0; i--) {
		rig->s->order[i] = what;
		while (rig->s->order[i] != STAY)
			usleep(500);
	}
	if (rig->s->failed[0])
		fail_msg("victim: %s", rig->s->failed);
}

static void hold(struct rig *rig)
{
	sn_auto(proc_maps_release) struct proc_maps maps = {0};

	OK(rig, task_freeze(&rig->task, rig->pid, rig->log, &rig->err));
	OK(rig, proc_maps(rig->pid, &maps, &rig->err));
	OK(rig, remote_open(&rig->remote, &rig->task, &maps, &rig->gadgets, HOLE, &rig->err));
}

static void let_go(struct rig *rig)
{
	remote_close(rig->remote);
	rig->remote = NULL;
	task_thaw(&rig->task);
}

static int setup(void **state)
{
	sn_auto(proc_maps_release) struct proc_maps maps = {0};
	struct rig *rig = sn_calloc(1, sizeof(*rig));
	int i;

	rig->s = mmap(NULL, sizeof(*rig->s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	for (i = 0; i < 2; i++) {
		snprintf(rig->s->directory[i], sizeof(rig->s->directory[i]),
			 "/tmp/snapsh-state-XXXXXX");
		if (!mkdtemp(rig->s->directory[i]))
			return -1;
	}
	rig->s->parent = getpid();
	rig->pid = fork();
	if (rig->pid == 0)
		victim_main(rig->s);
	while (!rig->s->tids[0] || !rig->s->tids[1])
		usleep(500);
	rig->log = call_log_new();
	*state = rig;
	return kernel_probe(&rig->caps, &rig->err) < 0 ||
			       proc_maps(rig->pid, &maps, &rig->err) < 0 ||
			       remote_find_gadgets(rig->pid, &maps, &rig->gadgets, &rig->err) < 0
		       ? -1
		       : 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;
	int i;

	if (rig->remote)
		let_go(rig);
	kill(rig->pid, SIGKILL);
	waitpid(rig->pid, NULL, 0);
	for (i = 0; i < 2; i++)
		rmdir(rig->s->directory[i]);
	munmap(rig->s, sizeof(*rig->s));
	call_log_free(rig->log);
	free(rig);
	return 0;
}

static void *place(const struct kind *kind, Sn__Task *task, Sn__Thread *thread)
{
	ProtobufCMessage *parent = kind->level == KIND_TASK ? &task->base : &thread->base;
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field(parent->descriptor, kind->field);

	if (!message_get(parent, kind->field))
		message_set(parent, kind->field, message_new(field->descriptor));
	return message_get(parent, kind->field);
}

static void read_thread(struct rig *rig, Sn__Task *model, struct task_thread *thread)
{
	sn_auto_free char *status = proc_read(thread->tid, "status", NULL, &rig->err);
	Sn__Thread *to = kind_append(model, threads, sn__thread);
	struct reading readings[sn_countof(tested)];
	size_t i;

	assert_non_null(status);
	to->tid = (uint32_t)thread->tid;
	remote_begin(rig->remote);
	for (i = 0; i < sn_countof(tested); i++) {
		readings[i] = (struct reading){.task = &rig->task, .remote = rig->remote,
					       .caps = &rig->caps, .task_model = model,
					       .status = status, .thread = thread, .local_fd = -1};
		if (tested[i]->level == KIND_THREAD || thread->tid == rig->pid)
			OK(rig, tested[i]->ask(&readings[i], place(tested[i], model, to),
					       &rig->err));
	}
	OK(rig, remote_run(rig->remote, thread->tid, &rig->err));
	for (i = 0; i < sn_countof(tested); i++) {
		if (tested[i]->level != KIND_THREAD && thread->tid != rig->pid)
			continue;
		if (tested[i]->take)
			OK(rig, tested[i]->take(&readings[i], place(tested[i], model, to),
						&rig->err));
		if (tested[i]->release)
			tested[i]->release(&readings[i]);
	}
}

static Sn__Task *read_all(struct rig *rig)
{
	Sn__Task *model = message_new(&sn__task__descriptor);
	size_t i;

	model->pid = (uint32_t)rig->pid;
	for (i = 0; i < rig->task.thread_count; i++)
		read_thread(rig, model, &rig->task.threads[i]);
	return model;
}

static void add_differing(struct plan *plan, const struct kind *kind, const ProtobufCMessage *have,
			  const ProtobufCMessage *want, pid_t tid)
{
	have = message_get(have, kind->field);
	want = message_get(want, kind->field);
	if (!message_equal(have, want))
		plan_add(plan, (struct step){.stage = kind->stage, .verb = VERB_CORRECT,
					     .kind = kind, .have = have, .want = want, .tid = tid});
}

static int make_plan(struct rig *rig, struct plan *plan, const Sn__Task *have,
		     const Sn__Task *want)
{
	size_t i, t;

	for (i = 0; i < sn_countof(tested); i++) {
		const struct kind *kind = tested[i];

		if (kind->plan && kind->plan(plan, have, want, &rig->err) < 0)
			return -1;
		if (!kind->plan && kind->level == KIND_TASK)
			add_differing(plan, kind, &have->base, &want->base, 0);
		for (t = 0; !kind->plan && kind->level == KIND_THREAD && t < want->n_threads; t++)
			add_differing(plan, kind, &have->threads[t]->base,
				      &want->threads[t]->base, (pid_t)want->threads[t]->tid);
	}
	return 0;
}

static void note(void *arg, const char *line)
{
	struct rig *rig = arg;

	snprintf(rig->notes, sizeof(rig->notes), "%s", line);
}

static int run_stage(struct rig *rig, struct applying *a, const struct plan *plan,
		     enum stage stage)
{
	size_t i;

	for (i = 0; i < plan->len; i++) {
		const struct step *step = &plan->steps[i];

		if (step->stage != stage)
			continue;
		a->thread = task_thread(&rig->task, step->tid ? step->tid : rig->pid);
		if ((step->kind->apply ? step->kind->apply(a, step, &rig->err)
				       : step->kind->correct(a, step->have, step->want,
							     &rig->err)) < 0 ||
		    applying_run(a, &rig->err) < 0) {
			sn_ctx(&rig->err, "%s", step->kind->name);
			return -1;
		}
	}
	return 0;
}

/* Makes `want` of a task that is `have`. */
static int become(struct rig *rig, const Sn__Task *have, const Sn__Task *want, bool blank)
{
	struct plan plan = {.blank = blank};
	struct applying a = {.task = &rig->task, .remote = rig->remote, .caps = &rig->caps,
			     .have_task = have, .want_task = want, .blank = blank, .note = note,
			     .note_arg = rig};
	enum stage stage;
	int result = make_plan(rig, &plan, have, want);

	remote_begin(rig->remote);
	for (stage = 0; result == 0 && stage < STAGE_COUNT; stage++)
		result = run_stage(rig, &a, &plan, stage);
	free(plan.steps);
	return result;
}

/* What a timer has left moves on; everything else is to be as it was. */
static void forget_times(Sn__Task *a, Sn__Task *b)
{
	size_t i;

	assert_int_equal(a->posix_timers->n_timers, b->posix_timers->n_timers);
	for (i = 0; i < a->posix_timers->n_timers; i++) {
		uint64_t *x = &a->posix_timers->timers[i]->value_ns;
		uint64_t *y = &b->posix_timers->timers[i]->value_ns;

		assert_true(*y <= *x && *y + UINT64_C(1000000000) > *x);
		*y = *x;
	}
	assert_int_equal(a->interval_timers->n_timers, b->interval_timers->n_timers);
	for (i = 0; i < a->interval_timers->n_timers; i++)
		b->interval_timers->timers[i]->value_us = a->interval_timers->timers[i]->value_us;
}

static void assert_same(Sn__Task *a, Sn__Task *b)
{
	size_t i, t;

	forget_times(a, b);
	assert_int_equal(a->n_threads, b->n_threads);
	for (i = 0; i < sn_countof(tested); i++) {
		const struct kind *kind = tested[i];

		if (kind->level == KIND_TASK &&
		    !message_equal(message_get(&a->base, kind->field),
				   message_get(&b->base, kind->field)))
			fail_msg("%s differ", kind->name);
		for (t = 0; kind->level == KIND_THREAD && t < a->n_threads; t++)
			if (!message_equal(message_get(&a->threads[t]->base, kind->field),
					   message_get(&b->threads[t]->base, kind->field)))
				fail_msg("%s of thread %zu differ", kind->name, t);
	}
	assert_true(message_equal(&a->base, &b->base));
}

static Sn__Task *snap(struct rig *rig)
{
	Sn__Task *model;

	hold(rig);
	model = read_all(rig);
	let_go(rig);
	return model;
}

static void task_free(Sn__Task **model)
{
	if (*model)
		sn__task__free_unpacked(*model, NULL);
}

#define AUTO_TASK sn_auto(task_free) Sn__Task *

static inline void skip_unless(bool can, const char *why)
{
	if (!can) {
		print_message("%s\n", why);
		skip();
	}
}

#endif
