// SPDX-License-Identifier: Apache-2.0
#include "core/task/blocked.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/task/proc.h"

#include <sched.h>
#include <sys/syscall.h>
#include <time.h>

/* A value of the sched file such as "se.exec_start : 695707.427899": the part before the
 * point times a million, and the six digits after it. */
static bool value_of(const char *text, const char *name, uint64_t *value)
{
	const char *at = strstr(text, name);
	char *point;

	at = at ? strchr(at, ':') : NULL;
	if (!at)
		return false;
	*value = strtoull(at + 1, &point, 10);
	if (*point == '.')
		*value = *value * 1000000 + strtoull(point + 1, NULL, 10);
	return true;
}

static bool read_thread(pid_t pid, pid_t tid, uint64_t *ran_ns, uint64_t *switches)
{
	struct sn_err ignored;
	sn_auto_free char *text = NULL;
	char name[64];

	snprintf(name, sizeof(name), "task/%d/sched", tid);
	text = proc_read(pid, name, NULL, &ignored);
	return text && value_of(text, "se.exec_start", ran_ns) &&
	       value_of(text, "nr_voluntary_switches", switches);
}

/* Field 39 of proc_pid_stat(5): the processor it last ran on; -1 unknown. */
static int cpu_of(pid_t pid, pid_t tid)
{
	enum { FIELDS_AFTER_NAME = 37 };
	struct sn_err ignored;
	sn_auto_free char *text = NULL;
	char name[64], *at;
	int i;

	snprintf(name, sizeof(name), "task/%d/stat", tid);
	text = proc_read(pid, name, NULL, &ignored);
	at = text ? strrchr(text, ')') : NULL;
	for (i = 0; at && i < FIELDS_AFTER_NAME; i++)
		at = strchr(at + 1, ' ');
	return at ? atoi(at + 1) : -1;
}

/* What the scheduler's clock of one processor says now. They differ: each leaves out the time
 * that interrupts and the host have taken from its own. So we go there and look at ours. */
struct cpu_clock {
	int cpu; /* -1: none read yet */
	uint64_t sched_ns, now_ns;
};

static bool read_clock(int cpu, struct cpu_clock *clock)
{
	uint64_t unused;
	struct timespec now;
	cpu_set_t only;

	if (cpu == clock->cpu)
		return true;
	clock->cpu = -1;
	CPU_ZERO(&only);
	if (cpu < 0 || cpu >= CPU_SETSIZE)
		return false;
	CPU_SET(cpu, &only);
	if (sched_setaffinity(0, sizeof(only), &only) < 0 ||
	    !read_thread(getpid(), (pid_t)syscall(SYS_gettid), &clock->sched_ns, &unused))
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	clock->now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	clock->cpu = cpu;
	return true;
}

static void add_thread(struct blocked *blocked, pid_t pid, pid_t tid, struct cpu_clock *clock,
		       int cpu)
{
	struct blocked_thread *thread = &blocked->threads[blocked->len];
	uint64_t ran_ns, again_ns, switches;

	if (!read_clock(cpu, clock) || !read_thread(pid, tid, &ran_ns, &thread->switches))
		return;
	/* it may have run meanwhile, and on another processor, whose clock is another one */
	if (cpu_of(pid, tid) != cpu || !read_thread(pid, tid, &again_ns, &switches) ||
	    again_ns != ran_ns || switches != thread->switches)
		return;
	thread->tid = tid;
	/* before or after the clock was read: one look at it serves many threads */
	thread->since_ns = clock->now_ns + ran_ns - clock->sched_ns;
	blocked->len++;
}

/* By processor, so that we move as seldom as can be. */
static void read_all(struct blocked *blocked, pid_t pid, const pid_t *tids, size_t count)
{
	sn_auto_free int *cpus = sn_malloc(count * sizeof(*cpus));
	long last = sysconf(_SC_NPROCESSORS_CONF);
	struct cpu_clock clock = {.cpu = -1};
	size_t i;
	int cpu;

	for (i = 0; i < count; i++)
		cpus[i] = cpu_of(pid, tids[i]);
	for (cpu = 0; cpu < last; cpu++)
		for (i = 0; i < count; i++)
			if (cpus[i] == cpu)
				add_thread(blocked, pid, tids[i], &clock, cpu);
}

void blocked_read(struct blocked *blocked, pid_t pid)
{
	sn_auto_free pid_t *tids = NULL;
	struct sn_err ignored;
	cpu_set_t own;
	size_t count;

	*blocked = (struct blocked){0};
	if (proc_tids(pid, &tids, &count, &ignored) < 0 ||
	    sched_getaffinity(0, sizeof(own), &own) < 0)
		return;
	blocked->threads = sn_calloc(count + 1, sizeof(*blocked->threads));
	read_all(blocked, pid, tids, count);
	sched_setaffinity(0, sizeof(own), &own);
}

void blocked_release(struct blocked *blocked)
{
	free(blocked->threads);
	*blocked = (struct blocked){0};
}

bool blocked_for(const struct blocked *blocked, pid_t tid, const char *status,
		 uint64_t frozen_ns, uint64_t *slept_ns)
{
	uint64_t switches;
	size_t i;

	for (i = 0; i < blocked->len; i++) {
		const struct blocked_thread *thread = &blocked->threads[i];

		if (thread->tid != tid)
			continue;
		/* our stop is one switch; any more, and it was another sleep */
		if (!proc_field(status, "voluntary_ctxt_switches", 10, &switches) ||
		    switches > thread->switches + 1 || frozen_ns < thread->since_ns)
			return false;
		*slept_ns = frozen_ns - thread->since_ns;
		return true;
	}
	return false;
}
