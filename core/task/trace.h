/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few ptrace operations everything in core/task is made of. Internal to core/task.
 *
 * Source: ptrace(2), sections "Stopped states" and "PTRACE_SEIZE".
 */
#ifndef CORE_TASK_TRACE_H
#define CORE_TASK_TRACE_H

#include "core/base/err.h"
#include "core/task/task.h"

#include <signal.h>
#include <stdbool.h>

/* What a wait found. */
struct trace_stop {
	enum { STOP_EVENT, STOP_SIGNAL, STOP_SYSCALL, STOP_CLONE, STOP_OTHER } kind;
	int signal; /* of STOP_SIGNAL; of the group stop with STOP_EVENT, 0 none */
	unsigned long message; /* new tid with STOP_CLONE */
};

/* How long a stop is waited for: polled, since one in uninterruptible sleep never stops. */
struct trace_patience {
	int round;
};

/* Waits a little before the next look. Fails when the thread has ended, or it took too long. */
int trace_pause(pid_t tid, struct trace_patience *patience, struct sn_err *err);

/* Waits for the next stop of a thread. Fails when the thread ended (the exit of a process
 * leader stays to be waited for by its parent) or did not stop in time. */
int trace_wait(pid_t tid, struct trace_stop *stop, struct sn_err *err);

int trace_seize(pid_t tid, struct sn_err *err);
int trace_interrupt(pid_t tid, struct sn_err *err);
/* signal: to deliver, 0 none; to_syscall: stop at the next entry to or exit from a call. */
int trace_continue(pid_t tid, int signal, bool to_syscall, struct sn_err *err);
/* Continues until the thread is in an event stop, delivering what comes between. */
int trace_settle(struct task_thread *thread, struct sn_err *err);
/* The same without waiting: 1 in its event stop, 0 not yet, -1 failed. */
int trace_try_settle(struct task_thread *thread, struct sn_err *err);

/* From a syscall stop to an event stop, without a step in user space: only there does the
 * kernel restart a call, and only there do registers set now hold. */
int trace_leave_syscall(struct task_thread *thread, struct sn_err *err);

int trace_get_regs(pid_t tid, struct user_regs_struct *regs, struct sn_err *err);
int trace_set_regs(pid_t tid, const struct user_regs_struct *regs, struct sn_err *err);
/* Of the signal a thread has stopped for. */
int trace_get_siginfo(pid_t tid, siginfo_t *info, struct sn_err *err);
int trace_get_mask(pid_t tid, uint64_t *mask, struct sn_err *err);
int trace_set_mask(pid_t tid, uint64_t mask, struct sn_err *err);
int trace_get_xstate(pid_t tid, uint8_t **xstate, size_t *len, struct sn_err *err);
int trace_set_xstate(pid_t tid, const uint8_t *xstate, size_t len, struct sn_err *err);
int trace_get_rseq(pid_t tid, struct task_rseq *rseq, struct sn_err *err);
int trace_detach(pid_t tid, struct sn_err *err);
int trace_set_options(pid_t tid, bool kill_on_exit, struct sn_err *err);

#endif
