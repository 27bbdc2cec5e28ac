// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/thread_area.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

struct area {
	uint64_t clear_child_tid, robust_list, robust_list_bytes;
};

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	uint64_t addr;

	(void)message;
	(void)err;
	r->keep[0] = remote_room(r->remote, sizeof(struct area), &addr);
	r->keep[1] = remote_try(r->remote, "read clear_child_tid", SYS_prctl, PR_GET_TID_ADDRESS,
				addr + offsetof(struct area, clear_child_tid));
	remote_call(r->remote, "read the robust list", SYS_get_robust_list, 0,
		    addr + offsetof(struct area, robust_list),
		    addr + offsetof(struct area, robust_list_bytes));
	return 0;
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	const struct remote_call *tid_address = r->keep[1];
	const struct area *area = r->keep[0];
	Sn__ThreadArea *model = message;

	if (tid_address->result < 0)
		return sn_fail_code(err, (int)-tid_address->result, "this kernel does not tell "
				    "clear_child_tid (CONFIG_CHECKPOINT_RESTORE)");
	model->clear_child_tid = area->clear_child_tid;
	model->robust_list = area->robust_list;
	model->robust_list_bytes = area->robust_list_bytes;
	return 0;
}

static int correct(struct applying *a, const void *have, const void *want, struct sn_err *err)
{
	const Sn__ThreadArea *model = want;

	(void)have;
	(void)err;
	if (!model)
		return 0;
	remote_call(a->remote, "set clear_child_tid", SYS_set_tid_address, model->clear_child_tid);
	if (model->robust_list_bytes)
		remote_call(a->remote, "set the robust list", SYS_set_robust_list,
			    model->robust_list, model->robust_list_bytes);
	return 0;
}

const struct kind kind_thread_area = {
	.name = "thread area",
	.level = KIND_THREAD,
	.field = 20,
	.stage = STAGE_THREAD,
	.ask = ask,
	.take = take,
	.correct = correct,
};
