// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/scheduling.h"

#include "core/base/mem.h"

#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	CPUS_BYTES = 1024,  /* 8192 processors, the most a kernel can be built for */
	WHO_PROCESS = 1,    /* IOPRIO_WHO_PROCESS, ioprio_get(2): one thread */
	KEEP_POLICY = 0x08, /* SCHED_FLAG_*, linux/sched.h */
	KEEP_PARAMS = 0x10,
	CLAMP_MIN = 0x20,
	CLAMP_MAX = 0x40,
	NICE_OFFSET = 20,   /* the system call says 20 - nice */
};

struct attributes { /* struct sched_attr, linux/sched/types.h */
	uint32_t size_bytes, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
	uint32_t util_min, util_max;
};

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	Sn__Scheduling *model = message;
	struct attributes attributes = {0};
	uint8_t cpus[CPUS_BYTES];
	pid_t tid = r->thread->tid;
	int cpu_bytes, nice, io;

	if (syscall(SYS_sched_getattr, tid, &attributes, sizeof(attributes), 0) < 0)
		return sn_fail_sys(err, "read the scheduling of thread %d", tid);
	cpu_bytes = (int)syscall(SYS_sched_getaffinity, tid, sizeof(cpus), cpus);
	if (cpu_bytes < 0)
		return sn_fail_sys(err, "read the affinity of thread %d", tid);
	nice = (int)syscall(SYS_getpriority, PRIO_PROCESS, tid);
	io = (int)syscall(SYS_ioprio_get, WHO_PROCESS, tid);
	if (nice < 0 || io < 0)
		return sn_fail_sys(err, "read the priorities of thread %d", tid);
	model->policy = attributes.policy;
	model->flags = attributes.flags;
	model->nice = NICE_OFFSET - nice;
	model->priority = attributes.priority;
	model->runtime_ns = attributes.runtime_ns;
	model->deadline_ns = attributes.deadline_ns;
	model->period_ns = attributes.period_ns;
	model->util_min = attributes.util_min;
	model->util_max = attributes.util_max;
	model->io_priority = io;
	kind_set_bytes(&model->affinity, cpus, (size_t)cpu_bytes);
	r->keep[0] = remote_call(r->remote, "read the timer slack", SYS_prctl, PR_GET_TIMERSLACK);
	return 0;
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	const struct remote_call *slack = r->keep[0];
	Sn__Scheduling *model = message;

	(void)err;
	model->timer_slack_ns = (uint64_t)slack->result;
	return 0;
}

static const char *why(void)
{
	return errno == EPERM || errno == EACCES ? " (it takes CAP_SYS_NICE)" : "";
}

static int set_nice(pid_t tid, const Sn__Scheduling *old, const Sn__Scheduling *new,
		    struct sn_err *err)
{
	if (old && old->nice == new->nice)
		return 0;
	if (syscall(SYS_setpriority, PRIO_PROCESS, tid, new->nice) < 0)
		return sn_fail_sys(err, "set the nice value of thread %d to %d%s", tid, new->nice,
				   why());
	return 0;
}

static int set_policy(pid_t tid, const Sn__Scheduling *old, const Sn__Scheduling *new,
		      struct sn_err *err)
{
	struct attributes attributes = {
		.size_bytes = sizeof(attributes),
		.policy = new->policy,
		.flags = new->flags & ~(uint64_t)(KEEP_POLICY | KEEP_PARAMS),
		.nice = new->nice,
		.priority = new->priority,
		.runtime_ns = new->runtime_ns,
		.deadline_ns = new->deadline_ns,
		.period_ns = new->period_ns,
		.util_min = new->util_min,
		.util_max = new->util_max,
	};

	if (old && old->policy == new->policy && old->flags == new->flags &&
	    old->priority == new->priority && old->runtime_ns == new->runtime_ns &&
	    old->deadline_ns == new->deadline_ns && old->period_ns == new->period_ns &&
	    old->util_min == new->util_min && old->util_max == new->util_max)
		return 0;
	/* a kernel without clamps knows 0 only and refuses the flags */
	if (new->util_max && (!old || old->util_min != new->util_min))
		attributes.flags |= CLAMP_MIN;
	if (new->util_max && (!old || old->util_max != new->util_max))
		attributes.flags |= CLAMP_MAX;
	if (syscall(SYS_sched_setattr, tid, &attributes, 0) < 0)
		return sn_fail_sys(err, "set the scheduling of thread %d (policy %u, priority "
				   "%u)%s", tid, new->policy, new->priority, why());
	return 0;
}

static bool same_affinity(const Sn__Scheduling *old, const Sn__Scheduling *new)
{
	return old && old->affinity.len == new->affinity.len &&
	       memcmp(old->affinity.data, new->affinity.data, new->affinity.len) == 0;
}

static int set_rest(pid_t tid, const Sn__Scheduling *old, const Sn__Scheduling *new,
		    struct sn_err *err)
{
	if (new->affinity.len && !same_affinity(old, new) &&
	    syscall(SYS_sched_setaffinity, tid, new->affinity.len, new->affinity.data) < 0)
		return sn_fail_sys(err, "set the affinity of thread %d", tid);
	if ((!old || old->io_priority != new->io_priority) &&
	    syscall(SYS_ioprio_set, WHO_PROCESS, tid, new->io_priority) < 0)
		return sn_fail_sys(err, "set the I/O priority of thread %d to %#x%s", tid,
				   (unsigned int)new->io_priority, why());
	return 0;
}

static int correct(struct applying *a, const void *have, const void *want, struct sn_err *err)
{
	const Sn__Scheduling *old = have, *new = want;
	pid_t tid = a->thread->tid;

	if (!new)
		return 0;
	/* affinity after the policy: a deadline thread's may not be narrowed */
	if (set_nice(tid, old, new, err) < 0 || set_policy(tid, old, new, err) < 0 ||
	    set_rest(tid, old, new, err) < 0)
		return -1;
	/* 0 is that of real-time threads, which have none; asking for it means the default */
	if (new->timer_slack_ns && (!old || old->timer_slack_ns != new->timer_slack_ns))
		remote_call(a->remote, "set the timer slack", SYS_prctl, PR_SET_TIMERSLACK,
			    new->timer_slack_ns);
	return 0;
}

const struct kind kind_scheduling = {
	.name = "scheduling",
	.level = KIND_THREAD,
	.field = 25,
	.stage = STAGE_THREAD,
	.ask = ask,
	.take = take,
	.correct = correct,
};
