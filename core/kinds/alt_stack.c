// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/alt_stack.h"

#include <signal.h>
#include <sys/syscall.h>

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	uint64_t addr;

	(void)message;
	(void)err;
	r->keep[0] = remote_room(r->remote, sizeof(stack_t), &addr);
	remote_call(r->remote, "read the signal stack", SYS_sigaltstack, 0, addr);
	return 0;
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	const stack_t *stack = r->keep[0];
	Sn__AltStack *model = message;

	(void)err;
	model->sp = (uint64_t)(uintptr_t)stack->ss_sp;
	model->flags = (uint32_t)stack->ss_flags;
	model->size_bytes = stack->ss_size;
	return 0;
}

static int correct(struct applying *a, const void *have, const void *want, struct sn_err *err)
{
	const Sn__AltStack *model = want;
	stack_t stack = {.ss_flags = SS_DISABLE};

	(void)have;
	(void)err;
	if (model && model->size_bytes)
		stack = (stack_t){
			.ss_sp = (void *)(uintptr_t)model->sp,
			.ss_flags = (int)model->flags,
			.ss_size = model->size_bytes,
		};
	remote_call(a->remote, "set the signal stack", SYS_sigaltstack,
		    remote_data(a->remote, &stack, sizeof(stack)), 0);
	return 0;
}

const struct kind kind_alt_stack = {
	.name = "signal stack",
	.level = KIND_THREAD,
	.field = 22,
	.stage = STAGE_THREAD,
	.ask = ask,
	.take = take,
	.correct = correct,
};
