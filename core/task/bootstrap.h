/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two calls without a window: the one that maps it, the one that unmaps it.
 * Internal to core/task; the window itself is core/task/remote.h.
 *
 * Each is made by the leader from a `syscall; ret` of the target's own program text,
 * stepped over by ptrace. The `ret` enters a signal frame laid below the red zone of its
 * stack, so without us the leader goes home by itself; the bytes there are put back as
 * soon as the leader has other registers. A program in which no such code is found, or
 * whose stack has no room, is served from any `syscall` instruction, with no way home
 * for those some twenty microseconds.
 */
#ifndef CORE_TASK_BOOTSTRAP_H
#define CORE_TASK_BOOTSTRAP_H

#include "core/task/proc.h"
#include "core/task/remote.h"
#include "core/task/task.h"

#include <sys/mman.h>

enum { BOOTSTRAP_PROT = PROT_READ | PROT_WRITE | PROT_EXEC };

/* Drops gadgets that are not what they were found to be. */
void bootstrap_check_gadgets(const struct task *task, struct remote_gadgets *gadgets);

/* Maps `len` private bytes, readable, writable and executable, at `addr`. The leader is
 * away afterwards, its way home on its stack until it gets other registers. */
int bootstrap_map(struct task *task, const struct remote_gadgets *gadgets, uint64_t addr,
		  size_t len, struct sn_err *err);

int bootstrap_unmap(struct task *task, const struct remote_gadgets *gadgets, uint64_t addr,
		    size_t len, struct sn_err *err);

#endif
