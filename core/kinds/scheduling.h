/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a thread is scheduled: policy, priority, nice value, deadlines, utilization clamps
 * (sched_getattr(2)), affinity, I/O priority (ioprio_get(2)), timer slack.
 *
 * Read and set from outside but for the timer slack: what raises a priority then takes
 * CAP_SYS_NICE of us, not of the thread, which may have given it away long ago.
 */
#ifndef CORE_KINDS_SCHEDULING_H
#define CORE_KINDS_SCHEDULING_H

#include "core/kinds/kind.h"

extern const struct kind kind_scheduling;

#endif
