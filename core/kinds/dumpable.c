// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/dumpable.h"

#include "core/base/guard.h"
#include "core/kernel/uapi.h"
#include "core/kinds/credentials.h"
#include "core/kinds/plan.h"
#include "core/task/proc.h"

#include <errno.h>

enum { DUMPABLE_BY_ROOT = 2 };

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	sn_auto_free char *filter = NULL;
	Sn__Dumpable *model = message;
	uint64_t addr;

	filter = proc_read(r->task->pid, "coredump_filter", NULL, err);
	if (!filter && err->code != ENOENT) /* a kernel without core dumps */
		return -1;
	model->coredump_filter = filter ? (uint32_t)strtoul(filter, NULL, 16) : 0;
	r->keep[0] = remote_call(r->remote, "read dumpable", SYS_prctl, PR_GET_DUMPABLE);
	r->keep[1] = remote_room(r->remote, sizeof(uint32_t), &addr);
	remote_call(r->remote, "read child subreaper", SYS_prctl, PR_GET_CHILD_SUBREAPER, addr);
	r->keep[2] = remote_try(r->remote, "read huge pages", SYS_prctl, PR_GET_THP_DISABLE);
	r->keep[3] = remote_try(r->remote, "read page merging", SYS_prctl, PR_GET_MEMORY_MERGE);
	return 0;
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	const struct remote_call *dumpable = r->keep[0], *thp = r->keep[2], *merge = r->keep[3];
	Sn__Dumpable *model = message;

	(void)err;
	model->dumpable = (uint32_t)dumpable->result;
	model->child_subreaper = *(const uint32_t *)r->keep[1] != 0;
	model->thp_disable = thp->result > 0 ? (uint32_t)thp->result : 0;
	model->memory_merge = merge->result > 0;
	return 0;
}

/* Whether a change of credentials makes the kernel forget what dumpable was. */
static bool is_reset(const Sn__Task *have, const Sn__Task *want)
{
	size_t i;

	for (i = 0; i < want->n_threads; i++)
		if (credentials_differ(have, want->threads[i]))
			return true;
	return false;
}

static int plan(struct plan *plan, const Sn__Task *have, const Sn__Task *want, struct sn_err *err)
{
	const ProtobufCMessage *to = (const void *)want->dumpable;
	const ProtobufCMessage *from = have ? (const void *)have->dumpable : NULL;

	(void)err;
	if (to && (is_reset(have, want) || !message_equal(from, to)))
		plan_add(plan, (struct step){.stage = STAGE_SECURITY,
					     .verb = VERB_CORRECT,
					     .kind = &kind_dumpable,
					     .have = from,
					     .want = to});
	return 0;
}

/* From outside and at once, so before dumpable closes the file to us. */
static int set_filter(const struct applying *a, uint32_t filter, struct sn_err *err)
{
	sn_auto_fd int fd = proc_open(a->task->pid, "coredump_filter", O_WRONLY, err);
	char text[16];
	int len = snprintf(text, sizeof(text), "%#x", filter);

	if (fd < 0)
		return -1;
	if (write(fd, text, (size_t)len) != len)
		return sn_fail_sys(err, "set coredump_filter to %s", text);
	return 0;
}

static void set_dumpable(struct applying *a, uint32_t dumpable)
{
	if (dumpable == DUMPABLE_BY_ROOT) {
		applying_note(a, "dumpable 2 cannot be asked for: it is 0 now, and no core file "
				 "will be written");
		dumpable = 0;
	}
	remote_call(a->remote, "set dumpable", SYS_prctl, PR_SET_DUMPABLE, dumpable);
}

static int apply(struct applying *a, const struct step *step, struct sn_err *err)
{
	const Sn__Dumpable *old = (const void *)step->have, *new = (const void *)step->want;

	if ((!old || old->coredump_filter != new->coredump_filter) &&
	    set_filter(a, new->coredump_filter, err) < 0)
		return -1;
	if (!old || old->child_subreaper != new->child_subreaper)
		remote_call(a->remote, "set child subreaper", SYS_prctl, PR_SET_CHILD_SUBREAPER,
			    (uint64_t)new->child_subreaper);
	if (!old || old->thp_disable != new->thp_disable)
		remote_call(a->remote, "switch huge pages", SYS_prctl, PR_SET_THP_DISABLE,
			    new->thp_disable & 1, new->thp_disable & ~1u);
	if (old ? old->memory_merge != new->memory_merge : new->memory_merge)
		remote_call(a->remote, "switch page merging (needs CAP_SYS_RESOURCE)", SYS_prctl,
			    PR_SET_MEMORY_MERGE, (uint64_t)new->memory_merge);
	if (!old || old->dumpable != new->dumpable || is_reset(a->have_task, a->want_task))
		set_dumpable(a, new->dumpable);
	return 0;
}

const struct kind kind_dumpable = {
	.name = "dumpable",
	.level = KIND_TASK,
	.field = 28,
	.stage = STAGE_SECURITY,
	.ask = ask,
	.take = take,
	.plan = plan,
	.apply = apply,
};
