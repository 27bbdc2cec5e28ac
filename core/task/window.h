/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The window's place in the target: mapped anew, or the one of a controller that died. Threads
 * that were on their way home from that one get there first. Internal to core/task.
 */
#ifndef CORE_TASK_WINDOW_H
#define CORE_TASK_WINDOW_H

#include "core/task/remote.h"

/* Maps a window at `hole`, or takes over the one that is there, with the interpreter in it. */
int window_open(struct task *task, const struct proc_maps *maps,
		const struct remote_gadgets *gadgets, uint64_t hole, uint64_t *window,
		struct sn_err *err);

#endif
