// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/thread_name.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

enum { NAME_BYTES = 16 }; /* with the NUL */

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	uint64_t addr;

	(void)message;
	(void)err;
	r->keep[0] = remote_room(r->remote, NAME_BYTES, &addr);
	remote_call(r->remote, "read the thread's name", SYS_prctl, PR_GET_NAME, addr);
	return 0;
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	Sn__ThreadName *model = message;

	(void)err;
	kind_set_string(&model->name, r->keep[0]);
	return 0;
}

static int correct(struct applying *a, const void *have, const void *want, struct sn_err *err)
{
	const Sn__ThreadName *model = want;

	(void)have;
	(void)err;
	if (model)
		remote_call(a->remote, "set the thread's name", SYS_prctl, PR_SET_NAME,
			    remote_text(a->remote, model->name));
	return 0;
}

const struct kind kind_thread_name = {
	.name = "thread name",
	.level = KIND_THREAD,
	.field = 24,
	.stage = STAGE_THREAD,
	.ask = ask,
	.take = take,
	.correct = correct,
};
