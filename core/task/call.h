/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupted system calls: what stopping a thread does to the call it sleeps in,
 * and how to make that invisible.
 *
 * The kernel restarts most calls by itself when a stopped thread goes on, provided
 * rax and orig_rax are as it left them (signal(7), "Interruption of system calls").
 * Three things it does not do:
 *
 *  - Some calls return a plain EINTR when interrupted, ptrace stops among that. For
 *    those rax is set to -ERESTARTNOHAND, which the kernel turns into a restart when
 *    no signal handler runs and into EINTR when one does: what they do by themselves.
 *  - A call with a relative timeout that is restarted in this way starts its timeout
 *    anew. The log remembers when it was first seen and shortens what is left.
 *  - A call restarted through restart_syscall(2) has lost its number (orig_rax is 219),
 *    which a rebuilt task needs. The log remembers it from the first stop; for a call that
    was restarted under an earlier keeper it follows from the arguments.
 *
 * A log belongs to one application and outlives the single freeze.
 */
#ifndef CORE_TASK_CALL_H
#define CORE_TASK_CALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

enum { /* the kernel's own, include/linux/errno.h: never seen by a program */
	KERNEL_ERESTARTSYS = 512,
	KERNEL_ERESTARTNOINTR = 513,
	KERNEL_ERESTARTNOHAND = 514,
	KERNEL_ERESTART_RESTARTBLOCK = 516,
};

struct call_log;

struct call_log *call_log_new(void);
void call_log_free(struct call_log *log); /* NULL is fine */

/* The call a stopped thread was in. */
struct call {
	int64_t nr;          /* -1: in none */
	bool restart_block;
	bool has_timeout;    /* a relative one, and known */
	uint64_t timeout_ns;   /* the whole of it */
	uint64_t remaining_ns; /* since it was first seen */
};

/* Reads `len` bytes of the stopped thread's memory. */
typedef int (*call_peek_fn)(void *arg, uint64_t addr, void *buf, size_t len);

/*
 * Looks at the registers of a thread that has just stopped; corrects them to what
 * the program's own call was (rax, a shortened timeout). True when *regs changed and must
 * be written at once: until then a controller that dies lets an EINTR through.
 */
bool call_enter(struct call_log *log, pid_t tid, struct user_regs_struct *regs,
		uint64_t now_ns, call_peek_fn peek, void *arg, struct call *call);

/* The call a thread is in began no later than since_ns: known from elsewhere (blocked.h). */
void call_began(struct call_log *log, pid_t tid, uint64_t since_ns);

/*
 * A struct timespec a shortened timeout needs in the thread's memory: below the red
 * zone, where the frame of a signal would lie too, so it is nobody's.
 */
struct call_scratch {
	uint64_t addr; /* 0: nothing to write */
	int64_t timespec[2];
};

/*
 * The registers with which a thread goes on in the same life: `regs` with the timeout
 * shortened to what remains of it at now_ns.
 */
void call_leave(struct call_log *log, pid_t tid, struct user_regs_struct *regs, uint64_t now_ns,
		struct call_scratch *scratch);

/*
 * The registers of a thread that begins a new life (restore, revert): its restart block
 * is gone, so the call is issued again with its own arguments, a known remaining time in
 * place of the whole.
 */
void call_reissue(const struct call *call, struct user_regs_struct *regs,
		  struct call_scratch *scratch);

/*
 * The same for the emergency way home, rt_sigreturn: no kernel restart happens there, so
 * the call is issued again from its own instruction, with its timeout in full.
 */
void call_rewind(const struct call *call, struct user_regs_struct *regs);

#endif
