/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Since when threads sleep: read before the freeze, which wakes them all. A rebuilt thread
 * that was in a sleep first seen half-way is given what remained of it, not the whole.
 *
 * Source: se.exec_start of /proc/PID/task/TID/sched, the scheduler's clock when the thread last
 * ran; a kernel without CONFIG_SCHED_DEBUG has no such file, and nothing is known then.
 */
#ifndef CORE_TASK_BLOCKED_H
#define CORE_TASK_BLOCKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct blocked_thread {
	pid_t tid;
	uint64_t since_ns;  /* CLOCK_MONOTONIC */
	uint64_t switches;  /* voluntary ones until then */
};

struct blocked {
	struct blocked_thread *threads;
	size_t len;
};

void blocked_read(struct blocked *blocked, pid_t pid);
void blocked_release(struct blocked *blocked);

/*
 * How long a thread, frozen at frozen_ns, had slept; false when it is not known or when it has
 * run since. status: its /proc/PID/task/TID/status, read while frozen.
 */
bool blocked_for(const struct blocked *blocked, pid_t tid, const char *status,
		 uint64_t frozen_ns, uint64_t *slept_ns);

#endif
