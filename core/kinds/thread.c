// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/thread.h"

#include "core/base/mem.h"
#include "core/kinds/plan.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>

enum {
	XSTATE_BV_OFFSET = 512, /* components in use, at the head of the XSAVE header */
	XSTATE_TILE_DATA = 18,
	ARCH_REQ_XCOMP_PERM = 0x1023,
};

/* ---- reading ---- */

static void from_regs(Sn__Registers *out, const struct user_regs_struct *in)
{
	out->r15 = in->r15;
	out->r14 = in->r14;
	out->r13 = in->r13;
	out->r12 = in->r12;
	out->rbp = in->rbp;
	out->rbx = in->rbx;
	out->r11 = in->r11;
	out->r10 = in->r10;
	out->r9 = in->r9;
	out->r8 = in->r8;
	out->rax = in->rax;
	out->rcx = in->rcx;
	out->rdx = in->rdx;
	out->rsi = in->rsi;
	out->rdi = in->rdi;
	out->orig_rax = in->orig_rax;
	out->rip = in->rip;
	out->cs = in->cs;
	out->eflags = in->eflags;
	out->rsp = in->rsp;
	out->ss = in->ss;
	out->fs_base = in->fs_base;
	out->gs_base = in->gs_base;
	out->ds = in->ds;
	out->es = in->es;
	out->fs = in->fs;
	out->gs = in->gs;
}

static void to_regs(struct user_regs_struct *out, const Sn__Registers *in)
{
	out->r15 = in->r15;
	out->r14 = in->r14;
	out->r13 = in->r13;
	out->r12 = in->r12;
	out->rbp = in->rbp;
	out->rbx = in->rbx;
	out->r11 = in->r11;
	out->r10 = in->r10;
	out->r9 = in->r9;
	out->r8 = in->r8;
	out->rax = in->rax;
	out->rcx = in->rcx;
	out->rdx = in->rdx;
	out->rsi = in->rsi;
	out->rdi = in->rdi;
	out->orig_rax = in->orig_rax;
	out->rip = in->rip;
	out->cs = in->cs;
	out->eflags = in->eflags;
	out->rsp = in->rsp;
	out->ss = in->ss;
	out->fs_base = in->fs_base;
	out->gs_base = in->gs_base;
	out->ds = in->ds;
	out->es = in->es;
	out->fs = in->fs;
	out->gs = in->gs;
}

Sn__Thread *thread_read(Sn__Task *task, const struct task_thread *thread)
{
	Sn__Thread *model = kind_append(task, threads, sn__thread);

	model->tid = (uint32_t)thread->tid;
	model->signal_mask = thread->home_mask;
	model->registers = message_new(&sn__registers__descriptor);
	from_regs(model->registers, &thread->home);
	kind_set_bytes(&model->registers->xstate, thread->xstate, thread->xstate_bytes);
	model->call = message_new(&sn__interrupted_call__descriptor);
	model->call->nr = thread->call.nr;
	model->call->restart_block = thread->call.restart_block;
	model->call->has_remaining = thread->call.has_timeout;
	model->call->remaining_ns = thread->call.remaining_ns;
	return model;
}

const Sn__Thread *thread_by_tid(const Sn__Task *task, uint32_t tid)
{
	size_t i;

	for (i = 0; i < task->n_threads; i++)
		if (task->threads[i]->tid == tid)
			return task->threads[i];
	return NULL;
}

/* ---- planning ---- */

static int plan_threads(struct plan *plan, const Sn__Task *have, const Sn__Task *want,
			struct sn_err *err)
{
	struct step step = {.kind = &kind_threads};
	size_t i;

	(void)err;
	for (i = 0; i < have->n_threads; i++) {
		const Sn__Thread *thread = have->threads[i];

		if (thread->tid == have->pid || thread_by_tid(want, thread->tid))
			continue;
		step.stage = STAGE_RELEASE;
		step.verb = VERB_END;
		step.have = &thread->base;
		step.want = NULL;
		step.tid = (pid_t)thread->tid;
		plan_add(plan, step);
	}
	for (i = 0; i < want->n_threads; i++) {
		const Sn__Thread *thread = want->threads[i];
		const Sn__Thread *there = thread_by_tid(have, thread->tid);

		step.want = &thread->base;
		step.have = there ? &there->base : NULL;
		step.tid = (pid_t)thread->tid;
		step.stage = STAGE_THREADS;
		step.verb = VERB_MAKE;
		step.needs = "clone3_set_tid";
		if (!there)
			plan_add(plan, step);
		step.needs = NULL;
		step.stage = STAGE_REGISTERS;
		step.verb = VERB_CORRECT;
		plan_add(plan, step);
	}
	return 0;
}

/* ---- carrying out ---- */

static int make(struct applying *a, pid_t tid, struct sn_err *err)
{
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			 CLONE_SYSVSEM,
		.set_tid_size = 1,
	};

	args.set_tid = remote_data(a->remote, &tid, sizeof(tid));
	remote_call(a->remote, "clone", SYS_clone3, remote_data(a->remote, &args, sizeof(args)),
		    sizeof(args));
	if (applying_run(a, err) < 0) {
		if (err->code == EPERM)
			return sn_fail_code(err, EPERM, "make thread %d with its id: it takes "
					    "CAP_CHECKPOINT_RESTORE", tid);
		if (err->code == EEXIST)
			return sn_fail_code(err, EEXIST, "make thread %d: its id is taken", tid);
		return sn_ctx(err, "make thread %d", tid);
	}
	return task_adopt_thread(a->task, tid, err);
}

static bool uses_tiles(const uint8_t *xstate, size_t len)
{
	uint64_t in_use;

	if (!xstate || len < XSTATE_BV_OFFSET + sizeof(in_use))
		return false;
	memcpy(&in_use, xstate + XSTATE_BV_OFFSET, sizeof(in_use));
	return in_use >> XSTATE_TILE_DATA & 1;
}

static int set_registers(struct applying *a, const Sn__Thread *want, struct sn_err *err)
{
	struct task_thread *thread = task_thread(a->task, (pid_t)want->tid);
	const ProtobufCBinaryData *xstate = &want->registers->xstate;
	struct user_regs_struct regs;
	struct call call = {
		.nr = want->call->nr,
		.restart_block = want->call->restart_block,
		.has_timeout = want->call->has_remaining,
		.remaining_ns = want->call->remaining_ns,
	};

	if (!thread)
		return sn_fail_code(err, ESRCH, "thread %u", want->tid);
	if (uses_tiles(xstate->data, xstate->len) &&
	    !uses_tiles(thread->xstate, thread->xstate_bytes)) {
		remote_call(a->remote, "ask for tile data", SYS_arch_prctl, ARCH_REQ_XCOMP_PERM,
			    XSTATE_TILE_DATA);
		if (applying_run(a, err) < 0 || remote_touch_amx(a->remote, thread->tid, err) < 0)
			return -1;
	}
	to_regs(&regs, want->registers);
	task_set_home(thread, &regs, want->signal_mask, xstate->data, xstate->len, &call);
	return 0;
}

static int apply(struct applying *a, const struct step *step, struct sn_err *err)
{
	switch (step->verb) {
	case VERB_END:
		return remote_end_thread(a->remote, step->tid, err);
	case VERB_MAKE:
		return make(a, step->tid, err);
	default:
		return set_registers(a, (const Sn__Thread *)step->want, err);
	}
}

const struct kind kind_threads = {
	.name = "threads",
	.level = KIND_TASK,
	.plan = plan_threads,
	.apply = apply,
};
