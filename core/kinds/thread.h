/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads as such: ended and made in place, with their ids; and their registers, with all
 * of the processor's extended state.
 */
#ifndef CORE_KINDS_THREAD_H
#define CORE_KINDS_THREAD_H

#include "core/kinds/kind.h"

extern const struct kind kind_threads;

/* Adds the model of a frozen thread to a task: id, registers, mask, interrupted call. */
Sn__Thread *thread_read(Sn__Task *task, const struct task_thread *thread);

const Sn__Thread *thread_by_tid(const Sn__Task *task, uint32_t tid);

#endif
