/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Remote system calls: making a frozen thread call the kernel for us.
 *
 *	remote_open(&remote, task, maps, hole, err)
 *	    remote_begin(remote)
 *	    path = remote_text(remote, "x");
 *	    fd = remote_call(remote, "open x", SYS_openat, AT_FDCWD, path, O_RDONLY);
 *	    st = remote_room(remote, sizeof(*st), &addr);
 *	    call = remote_call(remote, "stat x", SYS_fstat, 0, addr);
 *	    remote_ref(call, 0, fd);               argument 0 is what open returned
 *	    remote_run(remote, tid, err)           all of it in one round of 15 us
 *	    ... fd->result, *st ...
 *	remote_close(remote)
 *
 * A window of WINDOW_BYTES (parasite/wire.h) is mapped into the target from open to
 * close. Calls and room are queued on our side, written there by remote_run, executed by the
 * interpreter, and read back; they stay readable until the next remote_begin. Calls queued
 * after a run make the next run, and may refer to the results of earlier ones.
 *
 * Never queue a call that sleeps: it would overwrite the restart state of the call the
 * thread was in.
 *
 * Should we die at any moment, the thread that is away returns by itself to where it was:
 * before anything of it is changed, a signal frame with its registers lies ready - in the
 * window, and for the two calls that map and unmap the window on its own stack below the
 * red zone, entered through code of the target's own. A window left behind in this way is
 * found and used by the next remote_open.
 */
#ifndef CORE_TASK_REMOTE_H
#define CORE_TASK_REMOTE_H

#include "core/task/proc.h"
#include "core/task/task.h"

struct remote;

struct remote_call {
	const char *what; /* for the error: "open /tmp/x" */
	int64_t nr;
	uint64_t args[6];
	const struct remote_call *refs[6];
	int64_t result; /* -4095..-1 is an errno */
	bool may_fail;
};

/*
 * Code in the target used to map and unmap the window safely: found while it still runs
 * (reads its program text, some milliseconds), checked again at the open.
 */
struct remote_gadgets {
	uint64_t syscall_ret; /* "syscall; ret", 0: none found */
	uint64_t restorer;    /* "mov $15, rax; syscall", 0: none found */
	uint64_t syscall;     /* any "syscall" */
};

int remote_find_gadgets(pid_t pid, const struct proc_maps *maps, struct remote_gadgets *gadgets,
			struct sn_err *err);

/* `hole`: where WINDOW_BYTES are free, now and in whatever the task is to become. */
int remote_open(struct remote **remote, struct task *task, const struct proc_maps *maps,
		const struct remote_gadgets *gadgets, uint64_t hole, struct sn_err *err);
/* Unmaps the window; threads are at home again, or stopped where the thaw brings them
 * home. NULL is fine, and a process that has died. */
void remote_close(struct remote *remote);

uint64_t remote_window(const struct remote *remote);
struct task *remote_task(struct remote *remote);

void remote_begin(struct remote *remote);

struct remote_call *remote_queue(struct remote *remote, const char *what, long nr,
				 const uint64_t args[6]);
#define remote_call(remote, what, nr, ...) \
	remote_queue(remote, what, nr, (const uint64_t[6]){__VA_ARGS__})
/* Its failure is the caller's to look at. */
#define remote_try(remote, what, nr, ...) \
	remote_may_fail(remote_call(remote, what, nr, __VA_ARGS__))
struct remote_call *remote_may_fail(struct remote_call *call);
/* args[arg] becomes the result of an earlier call. */
void remote_ref(struct remote_call *call, int arg, const struct remote_call *from);

/* Zeroed room for `len` bytes (at a multiple of 16) in the window: ours to fill before the
 * run and to read after it; *addr is where the target sees it. */
void *remote_room(struct remote *remote, size_t len, uint64_t *addr);
/* Room filled with a copy; the address in the target. */
uint64_t remote_data(struct remote *remote, const void *data, size_t len);
uint64_t remote_text(struct remote *remote, const char *text);

/*
 * A place in the batch where the thread stops for us: `there` is called with the results of
 * the calls before it. Without us the thread simply goes on. For what must not be left behind
 * whoever dies: open, pause to take it, close, all in one batch. One a batch.
 */
void remote_pause(struct remote *remote, int (*there)(void *arg, struct sn_err *err), void *arg);

/* How many more calls and bytes fit before the batch has to be run. */
bool remote_fits(const struct remote *remote, size_t calls, size_t bytes);

/*
 * Executes what is queued in one thread. Fails with "what: why" of the first call that
 * failed and may not; calls after it were not executed.
 */
int remote_run(struct remote *remote, pid_t tid, struct sn_err *err);

/*
 * While our code runs in a thread all its signals are blocked but one that is nothing to
 * it, by which the interpreter tells that it is done. From now on never one of `signals`:
 * they are made pending, or mean something to what the task is to become. Bit n - 1: signal n.
 */
void remote_hold_signals(struct remote *remote, uint64_t signals);

/* Ends one thread that is not the leader, quietly: nobody is told, nothing is woken. */
int remote_end_thread(struct remote *remote, pid_t tid, struct sn_err *err);

/* Executes a tile instruction in a thread, without which the kernel takes no tile data. */
int remote_touch_amx(struct remote *remote, pid_t tid, struct sn_err *err);

#endif
