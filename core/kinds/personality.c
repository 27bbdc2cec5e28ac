// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/personality.h"

#include <sys/syscall.h>

enum { ASK = 0xffffffff };

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	(void)message;
	(void)err;
	r->keep[0] = remote_call(r->remote, "read the personality", SYS_personality, ASK);
	return 0;
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	const struct remote_call *call = r->keep[0];
	Sn__Personality *model = message;

	(void)err;
	model->persona = (uint32_t)call->result;
	return 0;
}

static int correct(struct applying *a, const void *have, const void *want, struct sn_err *err)
{
	const Sn__Personality *model = want;

	(void)have;
	(void)err;
	if (model)
		remote_call(a->remote, "set the personality", SYS_personality, model->persona);
	return 0;
}

const struct kind kind_personality = {
	.name = "personality",
	.level = KIND_TASK,
	.field = 27,
	.stage = STAGE_TASK,
	.ask = ask,
	.take = take,
	.correct = correct,
};
