// SPDX-License-Identifier: Apache-2.0
#include "core/task/task.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/task/proc.h"
#include "core/task/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

struct task_thread *task_thread(struct task *task, pid_t tid)
{
	size_t i;

	for (i = 0; i < task->thread_count; i++)
		if (task->threads[i].tid == tid)
			return &task->threads[i];
	return NULL;
}

struct task_thread *task_leader(struct task *task)
{
	return task_thread(task, task->pid);
}

int task_peek(const struct task *task, uint64_t addr, void *buf, size_t len, struct sn_err *err)
{
	struct iovec local = {buf, len}, remote = {(void *)addr, len};
	ssize_t n = process_vm_readv(task->pid, &local, 1, &remote, 1, 0);

	if (n != (ssize_t)len)
		n = pread(task->mem_fd, buf, len, (off_t)addr);
	if (n != (ssize_t)len)
		return sn_fail_code(err, n < 0 ? errno : EFAULT, "read %zu bytes at %#lx of %d",
				    len, addr, task->pid);
	return 0;
}

int task_poke(const struct task *task, uint64_t addr, const void *buf, size_t len,
	      struct sn_err *err)
{
	struct iovec local = {(void *)buf, len}, remote = {(void *)addr, len};
	ssize_t n = process_vm_writev(task->pid, &local, 1, &remote, 1, 0);

	if (n != (ssize_t)len)
		n = pwrite(task->mem_fd, buf, len, (off_t)addr);
	if (n != (ssize_t)len)
		return sn_fail_code(err, n < 0 ? errno : EFAULT, "write %zu bytes at %#lx of %d",
				    len, addr, task->pid);
	return 0;
}

int task_borrow(struct task *task, uint64_t addr, const void *bytes, size_t len,
		struct sn_err *err)
{
	sn_auto_free uint8_t *kept = sn_malloc(len);

	task_repay_loan(task);
	if (task_peek(task, addr, kept, len, err) < 0 || task_poke(task, addr, bytes, len, err) < 0)
		return -1;
	task->loan = (struct task_loan){addr, len, sn_steal_ptr(&kept)};
	return 0;
}

void task_repay_loan(struct task *task)
{
	struct sn_err ignored;

	if (task->loan.len)
		task_poke(task, task->loan.addr, task->loan.bytes, task->loan.len, &ignored);
	free(task->loan.bytes);
	task->loan = (struct task_loan){0};
}

/* A call_peek_fn. */
static int peek_quietly(void *arg, uint64_t addr, void *buf, size_t len)
{
	struct sn_err ignored;

	return task_peek(arg, addr, buf, len, &ignored);
}

/*
 * A thread stopped inside a restartable sequence has to go on at its abort handler, rseq(2).
 * The kernel does that only if it finds the thread inside on its way out, and forgets it as
 * soon as other code runs in the thread, as ours will; so do it ourselves, at once.
 */
static void abort_rseq(struct task *task, struct task_thread *thread)
{
	enum { RSEQ_CS_OFFSET = 8 };
	struct {
		uint32_t version, flags;
		uint64_t start_ip, post_commit_offset, abort_ip;
	} cs;
	struct sn_err ignored;
	uint64_t addr;

	if (!thread->rseq.pointer ||
	    task_peek(task, thread->rseq.pointer + RSEQ_CS_OFFSET, &addr, sizeof(addr),
		      &ignored) < 0 ||
	    addr == 0 || task_peek(task, addr, &cs, sizeof(cs), &ignored) < 0)
		return;
	if (thread->home.rip - cs.start_ip < cs.post_commit_offset)
		thread->home.rip = cs.abort_ip;
}

/*
 * The first thing to do with a thread that has stopped. A call that returns a plain EINTR
 * (epoll_wait) lets it through to the program if we die before this: no way is known to
 * close that window, so it is kept as short as can be. signal(7) allows it after any stop.
 */
static int hold_call(struct task *task, struct task_thread *thread, struct sn_err *err)
{
	pid_t tid = thread->tid;

	if (trace_get_regs(tid, &thread->kernel, err) < 0)
		return -1;
	thread->home = thread->kernel;
	/* by now, not since the freeze began: until it stopped it may have begun another call */
	if (call_enter(task->log, tid, &thread->home, now_ns(), peek_quietly, task,
		       &thread->call)) {
		if (trace_set_regs(tid, &thread->home, err) < 0)
			return -1;
		thread->kernel = thread->home;
	}
	return 0;
}

static int look_at(struct task *task, struct task_thread *thread, struct sn_err *err)
{
	pid_t tid = thread->tid;

	if (trace_get_mask(tid, &thread->home_mask, err) < 0 ||
	    trace_get_xstate(tid, &thread->xstate, &thread->xstate_bytes, err) < 0 ||
	    trace_get_rseq(tid, &thread->rseq, err) < 0)
		return -1;
	abort_rseq(task, thread);
	return 0;
}

int task_run_on(struct task *task, struct task_thread *thread, int try, struct sn_err *err)
{
	enum { MOMENT_NS = 50000, LONGEST_NS = 5000000 };
	struct timespec moment = {.tv_nsec = MOMENT_NS * (try + 1)};

	if (moment.tv_nsec > LONGEST_NS)
		moment.tv_nsec = LONGEST_NS;

	if (trace_continue(thread->tid, 0, false, err) < 0)
		return -1;
	nanosleep(&moment, NULL);
	if (trace_interrupt(thread->tid, err) < 0 || trace_settle(thread, err) < 0 ||
	    hold_call(task, thread, err) < 0)
		return -1;
	return look_at(task, thread, err);
}

static struct task_thread *add_thread(struct task *task, pid_t tid)
{
	struct task_thread *thread;

	task->threads = sn_realloc(task->threads, task->thread_count + 1, sizeof(*task->threads));
	thread = &task->threads[task->thread_count++];
	*thread = (struct task_thread){.tid = tid};
	return thread;
}

/*
 * A thread that was killed while we traced it is ours to wait for, however long it takes to
 * end: until then its process cannot be waited for by anybody else, nor seen to have ended.
 */
static void bury(pid_t tid)
{
	struct trace_patience patience = {0};
	struct sn_err why;
	siginfo_t info = {0};

	while (waitid(P_PID, (id_t)tid, &info, WEXITED | __WALL | WNOHANG) == 0 && !info.si_pid)
		if (trace_pause(tid, &patience, &why) < 0 && why.code != ESRCH)
			return;
}

void task_forget_thread(struct task *task, pid_t tid)
{
	struct task_thread *thread = task_thread(task, tid);
	size_t i;

	if (!thread)
		return;
	if (tid != task->pid)
		bury(tid);
	free(thread->xstate);
	i = (size_t)(thread - task->threads);
	memmove(thread, thread + 1, (task->thread_count - i - 1) * sizeof(*thread));
	task->thread_count--;
}

/* Who traces a thread that cannot be seized. */
static int explain_seize(pid_t pid, pid_t tid, struct sn_err *err)
{
	struct sn_err ignored;
	sn_auto_free char *status = proc_read(tid, "status", NULL, &ignored);
	uint64_t tracer = 0;
	char who[64];

	if (status && proc_field(status, "TracerPid", 10, &tracer) && tracer != 0)
		return sn_fail(err, "%s is being debugged by %s: end that first", "the process",
			       proc_who((pid_t)tracer, who, sizeof(who)));
	if (err->code == EPERM)
		return sn_ctx(err, "no permission to trace process %d (another user's? "
				   "it takes CAP_SYS_PTRACE)", pid);
	return -1;
}

/* Asks every thread not yet known to stop. *found: how many were new. */
static int seize_new(struct task *task, size_t *found, struct sn_err *err)
{
	sn_auto_free pid_t *tids = NULL;
	size_t count, i;

	*found = 0;
	if (proc_tids(task->pid, &tids, &count, err) < 0)
		return -1;
	for (i = 0; i < count; i++) {
		if (task_thread(task, tids[i]))
			continue;
		/* a thread cloned by one of ours is traced already: then only interrupt */
		if (trace_seize(tids[i], err) < 0) {
			if (err->code == ESRCH || proc_ending(tids[i]))
				continue;
			if (err->code != EPERM || trace_interrupt(tids[i], err) < 0) {
				if (proc_ending(tids[i])) /* by now */
					continue;
				return explain_seize(task->pid, tids[i], err);
			}
		} else if (trace_interrupt(tids[i], err) < 0 && err->code == ESRCH) {
			continue;
		}
		add_thread(task, tids[i]);
		(*found)++;
	}
	return 0;
}

/*
 * Looks once at each thread that was asked to stop. Each is held as soon as it stops, in
 * whatever order they do: see hold_call. *waiting: the last that runs yet, or 0.
 */
static int hold_stopped(struct task *task, size_t first, pid_t *waiting, struct sn_err *err)
{
	size_t i;

	*waiting = 0;
	for (i = first; i < task->thread_count;) {
		struct task_thread *thread = &task->threads[i];
		int settled;

		if (!thread->stopped) {
			settled = trace_try_settle(thread, err);
			thread->stopped = settled > 0;
			thread->held = settled > 0 && hold_call(task, thread, err) == 0;
			if (settled == 0)
				*waiting = thread->tid;
			if (settled < 0 || (settled > 0 && !thread->held)) {
				if (err->code != ESRCH || thread->tid == task->pid)
					return -1;
				/* it ended as we came */
				task_forget_thread(task, thread->tid);
				continue;
			}
		}
		i++;
	}
	return 0;
}

static int stop_from(struct task *task, size_t first, struct sn_err *err)
{
	struct trace_patience patience = {0};
	pid_t waiting;
	size_t i;

	for (;;) {
		if (hold_stopped(task, first, &waiting, err) < 0)
			return -1;
		if (!waiting)
			break;
		if (trace_pause(waiting, &patience, err) < 0 &&
		    (err->code != ESRCH || waiting == task->pid))
			return -1;
	}
	for (i = first; i < task->thread_count; i++)
		if (look_at(task, &task->threads[i], err) < 0)
			return -1;
	return 0;
}

static int by_age(const void *a, const void *b)
{
	const struct task_thread *x = a, *y = b;

	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static int freeze_all(struct task *task, struct sn_err *err)
{
	struct task_thread leader;
	size_t found, i;

	do {
		size_t first = task->thread_count;

		if (seize_new(task, &found, err) < 0 || stop_from(task, first, err) < 0)
			return -1;
	} while (found > 0);
	if (!task_leader(task))
		return sn_fail_code(err, ESRCH, "process %d", task->pid);
	qsort(task->threads, task->thread_count, sizeof(*task->threads), by_age);
	i = (size_t)(task_leader(task) - task->threads);
	leader = task->threads[i];
	memmove(task->threads + 1, task->threads, i * sizeof(leader));
	task->threads[0] = leader;
	return 0;
}

/* Threads that were cloned by traced ones meanwhile are traced too: they must be let go. */
static void add_newborn(struct task *task)
{
	sn_auto_free pid_t *tids = NULL;
	struct sn_err ignored;
	size_t count, i;

	if (proc_tids(task->pid, &tids, &count, &ignored) < 0)
		return;
	for (i = 0; i < count; i++)
		if (!task_thread(task, tids[i]) && trace_interrupt(tids[i], &ignored) == 0)
			add_thread(task, tids[i]);
}

int task_freeze(struct task *task, pid_t pid, struct call_log *log, struct sn_err *err)
{
	*task = (struct task){.pid = pid, .pidfd = -1, .mem_fd = -1, .log = log};
	task->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (task->pidfd < 0)
		return sn_fail_sys(err, "freeze process %d", pid);
	task->mem_fd = proc_open(pid, "mem", O_RDWR, err);
	if (task->mem_fd < 0) {
		task_thaw(task);
		return sn_ctx(err, "freeze process %d", pid);
	}
	task->frozen_ns = now_ns();
	if (freeze_all(task, err) < 0) {
		add_newborn(task);
		task_thaw(task);
		return sn_ctx(err, "freeze process %d", pid);
	}
	return 0;
}

int task_adopt_thread(struct task *task, pid_t tid, struct sn_err *err)
{
	struct task_thread *thread = add_thread(task, tid);

	if (trace_settle(thread, err) < 0 || trace_get_regs(tid, &thread->kernel, err) < 0 ||
	    trace_get_mask(tid, &thread->home_mask, err) < 0)
		return sn_ctx(err, "new thread %d", tid);
	thread->home = thread->kernel;
	thread->call.nr = -1;
	thread->stopped = thread->held = true;
	return 0;
}

void task_set_home(struct task_thread *thread, const struct user_regs_struct *regs,
		   uint64_t mask, const void *xstate, size_t xstate_bytes,
		   const struct call *call)
{
	thread->home = *regs;
	thread->home_mask = mask;
	thread->call = *call;
	thread->new_life = true;
	thread->away = true;
	if (thread->xstate_bytes == xstate_bytes &&
	    memcmp(thread->xstate, xstate, xstate_bytes) == 0)
		return;
	free(thread->xstate);
	thread->xstate = sn_malloc(xstate_bytes);
	memcpy(thread->xstate, xstate, xstate_bytes);
	thread->xstate_bytes = xstate_bytes;
	thread->xstate_changed = true;
}

int task_kill_on_exit(struct task *task, struct sn_err *err)
{
	size_t i;

	task->kill_on_exit = true;
	for (i = 0; i < task->thread_count; i++)
		if (trace_set_options(task->threads[i].tid, true, err) < 0)
			return -1;
	return 0;
}

/* Brings a thread to a stop of the signal path with its registers at home. */
static void bring_home(struct task *task, struct task_thread *thread, uint64_t now)
{
	struct user_regs_struct regs = thread->home;
	struct call_scratch scratch;
	struct sn_err ignored;

	/* only a stopped thread can be let go; of one that never was nothing is known */
	if (!thread->stopped)
		thread->stopped = trace_settle(thread, &ignored) == 0 &&
				  hold_call(task, thread, &ignored) == 0;
	if (!thread->held)
		return;
	if (thread->new_life)
		call_reissue(&thread->call, &regs, &scratch);
	else
		call_leave(task->log, thread->tid, &regs, now, &scratch);
	if (trace_leave_syscall(thread, &ignored) < 0)
		return;
	if (thread->xstate_changed)
		trace_set_xstate(thread->tid, thread->xstate, thread->xstate_bytes, &ignored);
	if (thread->away)
		trace_set_mask(thread->tid, thread->home_mask, &ignored);
	if (thread->away || memcmp(&regs, &thread->kernel, sizeof(regs)) != 0)
		trace_set_regs(thread->tid, &regs, &ignored);
	if (thread->tid == task->pid)
		task_repay_loan(task);
	if (scratch.addr)
		task_poke(task, scratch.addr, scratch.timespec, sizeof(scratch.timespec), &ignored);
}

void task_thaw(struct task *task)
{
	struct sn_err ignored;
	uint64_t now = now_ns();
	size_t i;

	for (i = 0; i < task->thread_count; i++)
		bring_home(task, &task->threads[i], now);
	for (i = 0; task->kill_on_exit && i < task->thread_count; i++)
		trace_set_options(task->threads[i].tid, false, &ignored);
	for (i = 0; i < task->thread_count; i++) {
		struct task_thread *thread = &task->threads[i];

		if (trace_detach(thread->tid, &ignored) < 0 && thread->tid != task->pid)
			bury(thread->tid);
		if (thread->owed_signal)
			syscall(SYS_tgkill, task->pid, thread->tid, thread->owed_signal);
		free(thread->xstate);
	}
	free(task->threads);
	if (task->pid > 0) { /* {0} is a task that was never frozen */
		sn_guard_fd(&task->mem_fd);
		sn_guard_fd(&task->pidfd);
	}
	*task = (struct task){.pidfd = -1, .mem_fd = -1};
}
