// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/limits.h"

#include "core/base/mem.h"
#include "core/kinds/plan.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LIMITS = RLIM_NLIMITS };

static const char *const names[LIMITS] = {
	[RLIMIT_CPU] = "RLIMIT_CPU",
	[RLIMIT_FSIZE] = "RLIMIT_FSIZE",
	[RLIMIT_DATA] = "RLIMIT_DATA",
	[RLIMIT_STACK] = "RLIMIT_STACK",
	[RLIMIT_CORE] = "RLIMIT_CORE",
	[RLIMIT_RSS] = "RLIMIT_RSS",
	[RLIMIT_NPROC] = "RLIMIT_NPROC",
	[RLIMIT_NOFILE] = "RLIMIT_NOFILE",
	[RLIMIT_MEMLOCK] = "RLIMIT_MEMLOCK",
	[RLIMIT_AS] = "RLIMIT_AS",
	[RLIMIT_LOCKS] = "RLIMIT_LOCKS",
	[RLIMIT_SIGPENDING] = "RLIMIT_SIGPENDING",
	[RLIMIT_MSGQUEUE] = "RLIMIT_MSGQUEUE",
	[RLIMIT_NICE] = "RLIMIT_NICE",
	[RLIMIT_RTPRIO] = "RLIMIT_RTPRIO",
	[RLIMIT_RTTIME] = "RLIMIT_RTTIME",
};

struct limit { /* struct rlimit64; RLIM_INFINITY is the greatest number */
	uint64_t soft, hard;
};

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	uint64_t addr, which;

	(void)message;
	(void)err;
	r->keep[0] = remote_room(r->remote, LIMITS * sizeof(struct limit), &addr);
	for (which = 0; which < LIMITS; which++)
		remote_call(r->remote, "read a limit", SYS_prlimit64, 0, which, 0,
			    addr + which * sizeof(struct limit));
	return 0;
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	const struct limit *limits = r->keep[0];
	Sn__Limits *model = message;
	size_t i;

	(void)err;
	for (i = 0; i < LIMITS; i++) {
		Sn__Limit *limit = kind_append(model, limits, sn__limit);

		limit->soft = limits[i].soft;
		limit->hard = limits[i].hard;
	}
	return 0;
}

static int plan(struct plan *plan, const Sn__Task *have, const Sn__Task *want, struct sn_err *err)
{
	struct step step = {
		.verb = VERB_CORRECT,
		.kind = &kind_limits,
		.have = have ? (const void *)have->limits : NULL,
		.want = (const void *)want->limits,
	};

	if (!step.want || message_equal(step.have, step.want))
		return 0;
	if (want->limits->n_limits > LIMITS)
		return sn_fail(err, "limit %zu: no such limit", want->limits->n_limits - 1);
	if (step.have) {
		step.stage = STAGE_RELEASE;
		plan_add(plan, step);
	}
	step.stage = STAGE_SECURITY;
	plan_add(plan, step);
	return 0;
}

static uint64_t wider(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* In STAGE_RELEASE what is allowed is widened; afterwards it is as wanted. False: it is so. */
static bool value_of(const struct step *step, size_t which, struct limit *limit)
{
	const Sn__Limits *old = (const void *)step->have, *new = (const void *)step->want;
	const Sn__Limit *from = old && which < old->n_limits ? old->limits[which] : NULL;
	const Sn__Limit *to = new->limits[which];

	*limit = (struct limit){to->soft, to->hard};
	if (!from)
		return true;
	if (step->stage == STAGE_RELEASE)
		*limit = (struct limit){wider(from->soft, to->soft), wider(from->hard, to->hard)};
	return from->soft != to->soft || from->hard != to->hard;
}

static int fail(struct sn_err *err, int code, size_t which, const struct limit *limit)
{
	return sn_fail_code(err, code, "set %s to %llu, at most %llu%s", names[which],
			    (unsigned long long)limit->soft, (unsigned long long)limit->hard,
			    code == EPERM ? " (to raise a hard limit takes CAP_SYS_RESOURCE)" : "");
}

static int apply_from_outside(struct applying *a, const struct step *step, struct sn_err *err)
{
	const Sn__Limits *new = (const void *)step->want;
	struct limit limit;
	size_t i;

	for (i = 0; i < new->n_limits; i++)
		if (value_of(step, i, &limit) &&
		    syscall(SYS_prlimit64, a->task->pid, i, &limit, NULL) < 0)
			return fail(err, errno, i, &limit);
	return 0;
}

static int apply_inside(struct applying *a, const struct step *step, struct sn_err *err)
{
	const Sn__Limits *new = (const void *)step->want;
	const struct remote_call *calls[LIMITS] = {0};
	struct limit limits[LIMITS];
	size_t i;

	for (i = 0; i < new->n_limits; i++)
		if (value_of(step, i, &limits[i]))
			calls[i] = remote_try(a->remote, "set a limit", SYS_prlimit64, 0, i,
					      remote_data(a->remote, &limits[i], sizeof(limits[i])),
					      0);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	for (i = 0; i < new->n_limits; i++)
		if (calls[i] && calls[i]->result < 0)
			return fail(err, (int)-calls[i]->result, i, &limits[i]);
	return 0;
}

static int apply(struct applying *a, const struct step *step, struct sn_err *err)
{
	return a->caps->cap_sys_resource ? apply_from_outside(a, step, err)
					 : apply_inside(a, step, err);
}

const struct kind kind_limits = {
	.name = "limits",
	.level = KIND_TASK,
	.field = 25,
	.stage = STAGE_SECURITY,
	.ask = ask,
	.take = take,
	.plan = plan,
	.apply = apply,
};
