// SPDX-License-Identifier: Apache-2.0
#include "core/task/trace.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/task/proc.h"

#include <elf.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

enum {
	MASK_BYTES = 8,
	XSTATE_MAX_BYTES = 16384,
	SPIN_ROUNDS = 200,      /* a thread stops within some ten microseconds */
	WAIT_STEP_NS = 50000,
	DEATH_ROUNDS = 20,      /* between looks at whether it lives, a millisecond */
	WAIT_ROUNDS = 100000,   /* five seconds */
	RSEQ_REQUEST = 0x420f,  /* PTRACE_GET_RSEQ_CONFIGURATION, linux/ptrace.h since 5.13 */
};

static int trace(long request, pid_t tid, void *addr, void *data)
{
	return (int)ptrace((enum __ptrace_request)request, tid, addr, data);
}

static void read_stop(pid_t tid, int status, struct trace_stop *stop)
{
	int event = status >> 16;

	*stop = (struct trace_stop){.kind = STOP_OTHER, .signal = WSTOPSIG(status)};
	if (event == PTRACE_EVENT_STOP) {
		stop->kind = STOP_EVENT;
		if (stop->signal == SIGTRAP)
			stop->signal = 0;
	} else if (event == PTRACE_EVENT_CLONE) {
		stop->kind = STOP_CLONE;
		trace(PTRACE_GETEVENTMSG, tid, NULL, &stop->message);
	} else if (stop->signal == (SIGTRAP | 0x80)) {
		stop->kind = STOP_SYSCALL;
	} else if (event == 0) {
		stop->kind = STOP_SIGNAL;
	}
}

/* What it is doing instead: the kernel function it sleeps in. */
static int does_not_stop(pid_t tid, struct sn_err *err)
{
	struct sn_err ignored;
	struct proc_stat stat = {.state = '?'};
	sn_auto_free char *where = proc_read(tid, "wchan", NULL, &ignored);

	proc_stat(tid, &stat, &ignored);
	return sn_fail(err, "thread %d does not stop (state %c, in %s)", tid, stat.state,
		       where && where[0] ? where : "an unknown place");
}

int trace_pause(pid_t tid, struct trace_patience *patience, struct sn_err *err)
{
	static const struct timespec step = {.tv_nsec = WAIT_STEP_NS};

	if (patience->round++ < SPIN_ROUNDS) {
		sched_yield();
		return 0;
	}
	/* a leader's end is told only after that of its other threads, which wait for us */
	if (patience->round % DEATH_ROUNDS == 0 && proc_ending(tid))
		return sn_fail_code(err, ESRCH, "thread %d ended", tid);
	if (patience->round > SPIN_ROUNDS + WAIT_ROUNDS)
		return does_not_stop(tid, err);
	nanosleep(&step, NULL);
	return 0;
}

/* 1 with the stop a thread is in, 0 when it runs yet. */
static int poll_stop(pid_t tid, struct trace_stop *stop, struct sn_err *err)
{
	siginfo_t info = {0};
	int status;

	if (waitid(P_PID, (id_t)tid, &info, WSTOPPED | WEXITED | __WALL | WNOHANG | WNOWAIT) < 0)
		return sn_fail_code(err, errno == ECHILD ? ESRCH : errno, "wait for thread %d",
				    tid);
	if (info.si_pid == 0)
		return 0;
	if (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED)
		return sn_fail_code(err, ESRCH, "thread %d ended", tid);
	if (waitpid(tid, &status, __WALL) != tid)
		return sn_fail_sys(err, "wait for thread %d", tid);
	read_stop(tid, status, stop);
	return 1;
}

int trace_wait(pid_t tid, struct trace_stop *stop, struct sn_err *err)
{
	struct trace_patience patience = {0};
	int came;

	while ((came = poll_stop(tid, stop, err)) == 0)
		if (trace_pause(tid, &patience, err) < 0)
			return -1;
	return came < 0 ? -1 : 0;
}

int trace_seize(pid_t tid, struct sn_err *err)
{
	unsigned long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE;

	if (trace(PTRACE_SEIZE, tid, NULL, (void *)options) < 0)
		return sn_fail_sys(err, "seize thread %d", tid);
	return 0;
}

int trace_set_options(pid_t tid, bool kill_on_exit, struct sn_err *err)
{
	unsigned long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE;

	if (kill_on_exit)
		options |= PTRACE_O_EXITKILL;
	if (trace(PTRACE_SETOPTIONS, tid, NULL, (void *)options) < 0)
		return sn_fail_sys(err, "set trace options of thread %d", tid);
	return 0;
}

int trace_detach(pid_t tid, struct sn_err *err)
{
	if (trace(PTRACE_DETACH, tid, NULL, NULL) < 0)
		return sn_fail_sys(err, "detach from thread %d", tid);
	return 0;
}

int trace_interrupt(pid_t tid, struct sn_err *err)
{
	if (trace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0)
		return sn_fail_sys(err, "interrupt thread %d", tid);
	return 0;
}

int trace_continue(pid_t tid, int signal, bool to_syscall, struct sn_err *err)
{
	if (trace(to_syscall ? PTRACE_SYSCALL : PTRACE_CONT, tid, NULL, (void *)(long)signal) < 0)
		return sn_fail_sys(err, "continue thread %d", tid);
	return 0;
}

int trace_try_settle(struct task_thread *thread, struct sn_err *err)
{
	struct trace_stop stop;
	int came = poll_stop(thread->tid, &stop, err);

	if (came <= 0)
		return came;
	if (stop.kind == STOP_EVENT) {
		thread->stop_signal = stop.signal;
		thread->in_syscall_stop = false;
		return 1;
	}
	/* any other stop has taken the pending interrupt with it: ask again */
	if (trace_continue(thread->tid, stop.kind == STOP_SIGNAL ? stop.signal : 0, false,
			   err) < 0 ||
	    (trace_interrupt(thread->tid, err) < 0 && err->code != ESRCH))
		return -1;
	return 0;
}

int trace_settle(struct task_thread *thread, struct sn_err *err)
{
	struct trace_patience patience = {0};
	int settled;

	while ((settled = trace_try_settle(thread, err)) == 0)
		if (trace_pause(thread->tid, &patience, err) < 0)
			return -1;
	return settled < 0 ? -1 : 0;
}

int trace_leave_syscall(struct task_thread *thread, struct sn_err *err)
{
	if (!thread->in_syscall_stop)
		return 0;
	if (trace_interrupt(thread->tid, err) < 0 ||
	    trace_continue(thread->tid, 0, false, err) < 0)
		return -1;
	return trace_settle(thread, err);
}

static int get_regset(pid_t tid, unsigned long type, struct iovec *iov, struct sn_err *err)
{
	if (trace(PTRACE_GETREGSET, tid, (void *)type, iov) < 0)
		return sn_fail_sys(err, "read registers of thread %d", tid);
	return 0;
}

static int set_regset(pid_t tid, unsigned long type, struct iovec *iov, struct sn_err *err)
{
	if (trace(PTRACE_SETREGSET, tid, (void *)type, iov) < 0)
		return sn_fail_sys(err, "write registers of thread %d", tid);
	return 0;
}

int trace_get_regs(pid_t tid, struct user_regs_struct *regs, struct sn_err *err)
{
	struct iovec iov = {regs, sizeof(*regs)};

	return get_regset(tid, NT_PRSTATUS, &iov, err);
}

int trace_set_regs(pid_t tid, const struct user_regs_struct *regs, struct sn_err *err)
{
	struct iovec iov = {(void *)regs, sizeof(*regs)};

	return set_regset(tid, NT_PRSTATUS, &iov, err);
}

int trace_get_siginfo(pid_t tid, siginfo_t *info, struct sn_err *err)
{
	if (trace(PTRACE_GETSIGINFO, tid, NULL, info) < 0)
		return sn_fail_sys(err, "read the signal of thread %d", tid);
	return 0;
}

int trace_get_mask(pid_t tid, uint64_t *mask, struct sn_err *err)
{
	if (trace(PTRACE_GETSIGMASK, tid, (void *)MASK_BYTES, mask) < 0)
		return sn_fail_sys(err, "read the signal mask of thread %d", tid);
	return 0;
}

int trace_set_mask(pid_t tid, uint64_t mask, struct sn_err *err)
{
	if (trace(PTRACE_SETSIGMASK, tid, (void *)MASK_BYTES, &mask) < 0)
		return sn_fail_sys(err, "write the signal mask of thread %d", tid);
	return 0;
}

int trace_get_xstate(pid_t tid, uint8_t **xstate, size_t *len, struct sn_err *err)
{
	uint8_t buf[XSTATE_MAX_BYTES];
	struct iovec iov = {buf, sizeof(buf)};

	if (get_regset(tid, NT_X86_XSTATE, &iov, err) < 0)
		return -1;
	if (*len != iov.iov_len) {
		free(*xstate);
		*xstate = sn_malloc(iov.iov_len);
		*len = iov.iov_len;
	}
	memcpy(*xstate, buf, iov.iov_len);
	return 0;
}

int trace_set_xstate(pid_t tid, const uint8_t *xstate, size_t len, struct sn_err *err)
{
	struct iovec iov = {(void *)xstate, len};

	return set_regset(tid, NT_X86_XSTATE, &iov, err);
}

int trace_get_rseq(pid_t tid, struct task_rseq *rseq, struct sn_err *err)
{
	struct {
		uint64_t pointer;
		uint32_t size, signature, flags, pad;
	} config = {0};

	*rseq = (struct task_rseq){0};
	if (trace(RSEQ_REQUEST, tid, (void *)sizeof(config), &config) < 0) {
		if (errno == EIO || errno == EINVAL)
			return 0; /* a kernel without rseq */
		return sn_fail_sys(err, "read the rseq of thread %d", tid);
	}
	*rseq = (struct task_rseq){config.pointer, config.size, config.signature, config.flags};
	return 0;
}

int task_pending(pid_t tid, bool shared, uint8_t **siginfos, size_t *count, struct sn_err *err)
{
	enum { SIGINFO_BYTES = 128, CHUNK = 32 };
	struct __ptrace_peeksiginfo_args args = {
		.flags = shared ? PTRACE_PEEKSIGINFO_SHARED : 0, .nr = CHUNK};
	int n;

	*siginfos = sn_malloc(CHUNK * SIGINFO_BYTES);
	*count = 0;
	while ((n = trace(PTRACE_PEEKSIGINFO, tid, &args,
			  *siginfos + *count * SIGINFO_BYTES)) > 0) {
		*count += (size_t)n;
		args.off = *count;
		*siginfos = sn_realloc(*siginfos, *count + CHUNK, SIGINFO_BYTES);
	}
	if (n < 0) {
		sn_fail_sys(err, "read the pending signals of thread %d", tid);
		free(*siginfos);
		*siginfos = NULL;
		return -1;
	}
	return 0;
}
