/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process under our hands: frozen, looked at, changed, thawed.
 *
 *	struct task task = {0};
 *	if (task_freeze(&task, pid, log, err) < 0) ...
 *	... registers in task.threads[i].home; core/task/remote.h for system calls ...
 *	task_thaw(&task);
 *
 * States of a thread, and what holds in each:
 *
 *	running    not ours
 *	stopped    in a ptrace stop of the signal path, where the kernel itself restarts an
 *	           interrupted call; the kernel's registers are `home`
 *	away       its registers or mask are not `home` (code of ours ran or will run in it);
 *	           a signal frame that brings it home lies ready: should we be gone the
 *	           thread finds its own way (remote.c)
 *
 * freeze: running -> stopped. remote: stopped -> away. thaw: any -> running, at `home`.
 * `struct task` is its own guard: declare it with sn_auto(task_thaw).
 *
 * ptrace(2) knows one tracer thread: all calls on one task come from the same thread.
 */
#ifndef CORE_TASK_TASK_H
#define CORE_TASK_TASK_H

#include "core/base/err.h"
#include "core/task/call.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

struct task_rseq { /* PTRACE_GET_RSEQ_CONFIGURATION */
	uint64_t pointer;
	uint32_t size_bytes;
	uint32_t signature;
	uint32_t flags;
};

struct task_thread {
	pid_t tid;
	struct user_regs_struct home; /* with which it goes on */
	uint64_t home_mask;           /* blocked signals with which it goes on */
	struct user_regs_struct kernel; /* as the kernel has them, unless away */
	uint8_t *xstate;              /* NT_X86_XSTATE as it was at the freeze */
	size_t xstate_bytes;
	struct task_rseq rseq;
	struct call call;
	int stop_signal;      /* of a group stop, 0: none */
	bool stopped;         /* in a stop of ours; before that nothing below is known */
	bool held;            /* home is known */
	bool away;
	bool in_syscall_stop; /* the last stop was not in the signal path */
	bool new_life;        /* rebuilt: there is no restart block */
	bool xstate_changed;  /* write xstate back at the thaw */
	int owed_signal;      /* a stop signal that came while it was away */
};

/* Bytes of the leader's stack that a way home lies on for a moment. */
struct task_loan {
	uint64_t addr;
	size_t len; /* 0: none */
	uint8_t *bytes;
};

struct task {
	pid_t pid;
	int pidfd;  /* -1: none */
	int mem_fd; /* /proc/PID/mem, read and write */
	struct task_thread *threads; /* the leader first, then by tid */
	size_t thread_count;
	struct call_log *log;        /* borrowed */
	struct task_loan loan;
	bool kill_on_exit;
	uint64_t frozen_ns;          /* CLOCK_MONOTONIC when the first thread was asked to stop */
};

/*
 * Stops every thread of a process, a stop no thread can see: interrupted calls are
 * restarted, group stops stay. Refuses with a name: no such process, traced by another
 * (says by whom), a zombie leader, a thread that does not stop (uninterruptible sleep).
 * On failure nothing is stopped.
 */
int task_freeze(struct task *task, pid_t pid, struct call_log *log, struct sn_err *err);

/*
 * Lets every thread go on at `home`. Safe on a task that is not frozen, and on one whose
 * process has died. Says nothing: a thread that is gone needs no thaw.
 */
void task_thaw(struct task *task);

/* Lets one stopped thread run on for a moment (longer each try), and looks at it anew. */
int task_run_on(struct task *task, struct task_thread *thread, int try, struct sn_err *err);

/* From now to the thaw: should we end, the process ends with us. For one that is half built,
 * and belongs in no state it could go home to. */
int task_kill_on_exit(struct task *task, struct sn_err *err);

struct task_thread *task_leader(struct task *task);
struct task_thread *task_thread(struct task *task, pid_t tid); /* NULL: none */

/* Gives a thread the life of an image: registers, mask, processor state (copied) and call. */
void task_set_home(struct task_thread *thread, const struct user_regs_struct *regs,
		   uint64_t mask, const void *xstate, size_t xstate_bytes,
		   const struct call *call);

/* Adds a thread that a remote clone has made; it is in its first stop. */
int task_adopt_thread(struct task *task, pid_t tid, struct sn_err *err);
/* Forgets a thread that has ended. */
void task_forget_thread(struct task *task, pid_t tid);

/* Borrows `len` bytes at `addr` for `bytes`; -1 when they cannot be written. */
int task_borrow(struct task *task, uint64_t addr, const void *bytes, size_t len,
		struct sn_err *err);
/* Puts the borrowed bytes back. */
void task_repay_loan(struct task *task);

/*
 * Pending signals, oldest first: siginfo_t of 128 bytes each in a malloc'd array. shared:
 * those of the process, else those of the one thread. PTRACE_PEEKSIGINFO, ptrace(2).
 */
int task_pending(pid_t tid, bool shared, uint8_t **siginfos, size_t *count, struct sn_err *err);

/*
 * Memory of the frozen task. Reads what the task itself could not (PROT_NONE), writes what
 * it may not (read-only code). Whole or failed.
 */
int task_peek(const struct task *task, uint64_t addr, void *buf, size_t len, struct sn_err *err);
int task_poke(const struct task *task, uint64_t addr, const void *buf, size_t len,
	      struct sn_err *err);

#endif
