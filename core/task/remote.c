// SPDX-License-Identifier: Apache-2.0
#include "core/task/remote.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/task/bootstrap.h"
#include "core/task/frame.h"
#include "core/task/trace.h"
#include "core/task/window.h"
#include "parasite/blob.h"
#include "parasite/wire.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

enum {
	MAX_CALLS = (WINDOW_ROOM - WINDOW_REQUESTS) / REQUEST_BYTES,
	ROOM_BYTES = WINDOW_BYTES - WINDOW_ROOM,
	ROOM_ALIGN = 16,
	MAX_ERRNO = 4095,
	EFLAGS_PLAIN = 0x202, /* interrupts on; no direction, trap or alignment check */
};

struct remote {
	struct task *task;
	struct remote_gadgets gadgets;
	uint64_t window;
	pid_t away;      /* the thread whose way home is in the window, 0: none */
	int quiet;       /* the quiet signal written there */
	uint64_t caught, ignored; /* signal masks, as /proc/PID/status says */
	uint64_t held;   /* signals that are never the quiet one */
	siginfo_t *strays; /* the program's, that came while they were the quiet one */
	size_t stray_count;
	struct remote_call *calls;
	size_t call_count, ran;
	const struct remote_call *pause; /* NULL: none in this batch */
	int (*there)(void *arg, struct sn_err *err);
	void *there_arg;
	uint8_t *room;
	size_t room_used;
	struct parasite_request *wire;
};

uint64_t remote_window(const struct remote *remote)
{
	return remote->window;
}

struct task *remote_task(struct remote *remote)
{
	return remote->task;
}

/* ---- queueing ---- */

void remote_begin(struct remote *remote)
{
	memset(remote->room, 0, remote->room_used);
	remote->call_count = remote->ran = remote->room_used = 0;
	remote->pause = NULL;
}

struct remote_call *remote_may_fail(struct remote_call *call)
{
	call->may_fail = true;
	return call;
}

struct remote_call *remote_queue(struct remote *remote, const char *what, long nr,
				 const uint64_t args[6])
{
	struct remote_call *call;

	/* the last place takes all that do not fit: remote_run then says so */
	if (remote->call_count <= MAX_CALLS)
		remote->call_count++;
	call = &remote->calls[remote->call_count - 1];
	*call = (struct remote_call){.what = what, .nr = nr, .result = -ENOSYS};
	memcpy(call->args, args, sizeof(call->args));
	return call;
}

void remote_ref(struct remote_call *call, int arg, const struct remote_call *from)
{
	call->refs[arg] = from;
}

void remote_pause(struct remote *remote, int (*there)(void *arg, struct sn_err *err), void *arg)
{
	remote->pause = remote_call(remote, "pause", SYS_tgkill, 0, 0, 0);
	remote->there = there;
	remote->there_arg = arg;
}

bool remote_fits(const struct remote *remote, size_t calls, size_t bytes)
{
	return remote->call_count + calls <= MAX_CALLS &&
	       remote->room_used + bytes + ROOM_ALIGN <= ROOM_BYTES;
}

void *remote_room(struct remote *remote, size_t len, uint64_t *addr)
{
	size_t at = remote->room_used;
	size_t need = (len + ROOM_ALIGN - 1) & ~(size_t)(ROOM_ALIGN - 1);

	if (at + need > ROOM_BYTES) { /* remote_run refuses; the memory is ours all the same */
		at = ROOM_BYTES;
		remote->room = sn_realloc(remote->room, ROOM_BYTES + need, 1);
		remote->call_count = MAX_CALLS + 1;
	} else {
		remote->room_used += need;
	}
	*addr = remote->window + WINDOW_ROOM + at;
	return remote->room + at;
}

uint64_t remote_data(struct remote *remote, const void *data, size_t len)
{
	uint64_t addr;

	memcpy(remote_room(remote, len, &addr), data, len);
	return addr;
}

uint64_t remote_text(struct remote *remote, const char *text)
{
	return remote_data(remote, text, strlen(text) + 1);
}

/* ---- the thread that is away ---- */

static bool is_pending(pid_t tid, int sig)
{
	bool found = false;
	int shared;

	for (shared = 0; shared < 2 && !found; shared++) {
		struct sn_err ignored;
		uint8_t *infos;
		size_t count, i;

		if (task_pending(tid, shared, &infos, &count, &ignored) < 0)
			return true;
		for (i = 0; i < count; i++)
			found |= ((siginfo_t *)infos)[i].si_signo == sig;
		free(infos);
	}
	return found;
}

/*
 * A signal that is nothing to the program: ignored, and better not one it may wait for
 * (blocked). Many programs have threads that block everything: for them one that is not
 * pending will do; should it come meanwhile it is kept and given back (strays). 0: none.
 */
static int quiet_signal(const struct remote *remote, const struct task_thread *thread)
{
	static const int ignored_by_default[] = {SIGURG, SIGWINCH, SIGCHLD};
	uint64_t avoided = remote->caught | remote->held;
	size_t i;
	int sig;

	for (i = 0; i < sn_countof(ignored_by_default); i++)
		if (!((avoided | thread->home_mask) >> (ignored_by_default[i] - 1) & 1))
			return ignored_by_default[i];
	for (sig = 1; sig < 32; sig++)
		if (sig != SIGCONT && ((remote->ignored & ~remote->held & ~thread->home_mask) >>
				       (sig - 1) & 1))
			return sig;
	for (i = 0; ignored_by_default[i] != SIGCHLD; i++)
		if (!(avoided >> (ignored_by_default[i] - 1) & 1) &&
		    !is_pending(thread->tid, ignored_by_default[i]))
			return ignored_by_default[i];
	return 0;
}

/* The signal a thread has stopped for, when it is the program's to wait for. */
static void keep_stray(struct remote *remote, const struct task_thread *thread, int sig)
{
	struct sn_err ignored;
	siginfo_t info;

	if (sig != remote->quiet || !(thread->home_mask >> (sig - 1) & 1) ||
	    trace_get_siginfo(thread->tid, &info, &ignored) < 0)
		return;
	remote->strays = sn_realloc(remote->strays, remote->stray_count + 1, sizeof(info));
	remote->strays[remote->stray_count++] = info;
}

/* To the process: whether they were for one thread nobody can tell any more. */
static void return_strays(struct remote *remote)
{
	struct sn_err ignored;
	size_t i;

	if (remote->stray_count == 0)
		return;
	remote_begin(remote);
	for (i = 0; i < remote->stray_count && remote_fits(remote, 1, sizeof(siginfo_t)); i++) {
		const siginfo_t *info = &remote->strays[i];

		remote_hold_signals(remote, UINT64_C(1) << (info->si_signo - 1));
		remote_try(remote, "give a signal back", SYS_rt_sigqueueinfo,
			   (uint64_t)remote->task->pid, (uint64_t)info->si_signo,
			   remote_data(remote, info, sizeof(*info)));
	}
	remote_run(remote, remote->task->pid, &ignored);
}

void remote_hold_signals(struct remote *remote, uint64_t signals)
{
	remote->held |= signals;
}

/* The thread in the window goes back to its own registers; it stays stopped. */
static int send_home(struct remote *remote, struct sn_err *err)
{
	struct task_thread *thread = task_thread(remote->task, remote->away);

	remote->away = 0;
	if (!thread || thread->new_life)
		return 0;
	if (trace_leave_syscall(thread, err) < 0 ||
	    trace_set_mask(thread->tid, thread->home_mask, err) < 0 ||
	    trace_set_regs(thread->tid, &thread->home, err) < 0)
		return -1;
	thread->kernel = thread->home;
	thread->away = false;
	return 0;
}

/* Writes the way home of a thread into the window, then makes the window its place. */
static int take_away(struct remote *remote, struct task_thread *thread, int signal,
		     struct sn_err *err)
{
	uint64_t frame_addr = remote->window + WINDOW_FRAME;
	uint8_t frame[FRAME_MAX_BYTES];
	struct parasite_home home = {
		.magic = WINDOW_MAGIC,
		.tgid = remote->task->pid,
		.tid = thread->tid,
		.signal = signal,
		.sp = frame_addr + FRAME_RETURN_OFFSET,
	};
	size_t len = frame_build(frame, thread, frame_addr, 0);

	if (task_poke(remote->task, remote->window, &home, sizeof(home), err) < 0 ||
	    task_poke(remote->task, frame_addr, frame, len, err) < 0)
		return -1;
	thread->away = true;
	remote->away = thread->tid;
	remote->quiet = signal;
	return 0;
}

static int start_at(struct remote *remote, struct task_thread *thread, size_t offset,
		    size_t first, size_t count, uint64_t mask, struct sn_err *err)
{
	struct user_regs_struct regs = thread->home;
	uint64_t requests = remote->window + WINDOW_REQUESTS;

	regs.rip = remote->window + WINDOW_CODE + offset;
	/* no stack is used, and sigaltstack(2) refuses changes to the one it finds us on */
	regs.rsp = remote->window + WINDOW_BYTES;
	regs.orig_rax = (unsigned long long)-1;
	regs.eflags = EFLAGS_PLAIN;
	regs.r12 = requests + first * REQUEST_BYTES;
	regs.r13 = requests + (first + count) * REQUEST_BYTES;
	regs.r14 = requests;
	regs.r15 = remote->window + WINDOW_HOME;
	/* registers first: with the mask alone changed there would be no way home */
	if (trace_set_regs(thread->tid, &regs, err) < 0)
		return -1;
	if (thread->tid == remote->task->pid) /* its way home is in the window now */
		task_repay_loan(remote->task);
	return trace_set_mask(thread->tid, mask, err);
}

static int exchange(struct remote *remote, bool out, size_t first, size_t count,
		    struct sn_err *err);

static bool is_pause(const struct remote *remote, const struct user_regs_struct *regs)
{
	size_t n = remote->pause ? (size_t)(remote->pause - remote->calls) : 0;

	return remote->pause &&
	       regs->r12 == remote->window + WINDOW_REQUESTS + n * REQUEST_BYTES;
}

/* Calls the one who waits for the pause. */
static int at_pause(struct remote *remote, struct sn_err *err)
{
	size_t i, n = (size_t)(remote->pause - remote->calls);

	remote->pause = NULL;
	if (exchange(remote, false, 0, n, err) < 0)
		return -1;
	for (i = 0; i < n; i++)
		remote->calls[i].result = remote->wire[i].result;
	return remote->there(remote->there_arg, err);
}

enum { RUNNING, DONE, PAUSED };

/* Whether a stop is that of the finished batch; -1 failed. */
static int progress(struct remote *remote, pid_t tid, const struct trace_stop *stop, bool stepping,
		    struct sn_err *err)
{
	uint64_t end = remote->window + WINDOW_CODE + PARASITE_STOP;
	struct user_regs_struct regs;

	if (stop->kind != (stepping ? STOP_SYSCALL : STOP_SIGNAL))
		return RUNNING;
	if (trace_get_regs(tid, &regs, err) < 0)
		return -1;
	if (regs.rip == end)
		return DONE;
	if (is_pause(remote, &regs))
		return at_pause(remote, err) < 0 ? -1 : PAUSED;
	if (!stepping && (stop->signal == SIGSEGV || stop->signal == SIGBUS ||
			  stop->signal == SIGILL || stop->signal == SIGSYS))
		return sn_fail(err, "thread %d got signal %d at %#llx while working for us", tid,
			       stop->signal, regs.rip);
	return RUNNING;
}

static int run_away(struct remote *remote, struct task_thread *thread, bool stepping,
		    struct sn_err *err)
{
	/* stepping meets the last call twice: in its entry stop other registers would make it
	 * another call, only its exit stop is the end */
	int state, meetings = stepping ? 2 : 1;
	struct trace_stop stop;

	do {
		if (trace_continue(thread->tid, 0, stepping, err) < 0 ||
		    trace_wait(thread->tid, &stop, err) < 0)
			return -1;
		state = progress(remote, thread->tid, &stop, stepping, err);
		if (state == RUNNING && stop.kind == STOP_SIGNAL && stop.signal == SIGSTOP)
			thread->owed_signal = SIGSTOP; /* cannot be blocked: give it back later */
		else if (state == RUNNING && stop.kind == STOP_SIGNAL)
			keep_stray(remote, thread, stop.signal);
		if (state == DONE)
			meetings--;
	} while (state >= 0 && meetings > 0);
	thread->in_syscall_stop = stepping;
	return state < 0 ? -1 : 0;
}

/* A pause is the call that ends a batch, in the middle of one. */
static int set_pause(struct remote *remote, pid_t tid, int signal, struct sn_err *err)
{
	struct parasite_request *request;

	if (!remote->pause)
		return 0;
	request = &remote->wire[remote->pause - remote->calls];
	request->args[0] = (uint64_t)remote->task->pid;
	request->args[1] = (uint64_t)tid;
	request->args[2] = (uint64_t)signal;
	return exchange(remote, true, (size_t)(remote->pause - remote->calls), 1, err);
}

/* Takes a thread through the interpreter from `offset` of its code. */
static int visit(struct remote *remote, pid_t tid, size_t offset, size_t first, size_t count,
		 struct sn_err *err)
{
	struct task_thread *thread = task_thread(remote->task, tid);
	int signal;
	uint64_t mask;

	if (!thread)
		return sn_fail_code(err, ESRCH, "thread %d", tid);
	if (remote->away && remote->away != tid && send_home(remote, err) < 0)
		return -1;
	signal = quiet_signal(remote, thread);
	mask = signal ? ~(UINT64_C(1) << (signal - 1)) : ~UINT64_C(0);
	if ((remote->away != tid || remote->quiet != signal) &&
	    take_away(remote, thread, signal, err) < 0)
		return -1;
	if (set_pause(remote, tid, signal, err) < 0 ||
	    start_at(remote, thread, offset, first, count, mask, err) < 0)
		return -1;
	return run_away(remote, thread, signal == 0, err);
}

/* ---- running ---- */

static void to_wire(struct remote *remote, size_t first, size_t count)
{
	size_t i;
	int arg;

	for (i = first; i < first + count; i++) {
		const struct remote_call *call = &remote->calls[i];
		struct parasite_request *request = &remote->wire[i];

		*request = (struct parasite_request){.nr = call->nr, .result = -ENOSYS};
		request->flags = call->may_fail ? 0 : REQUEST_STOP_ON_ERROR;
		memcpy(request->args, call->args, sizeof(request->args));
		for (arg = 0; arg < 6; arg++)
			if (call->refs[arg])
				request->refs[arg] =
					(uint16_t)(call->refs[arg] - remote->calls + 1);
	}
}

/* Requests and room, in one call in each direction. */
static int exchange(struct remote *remote, bool out, size_t first, size_t count,
		    struct sn_err *err)
{
	uint64_t at = remote->window + WINDOW_REQUESTS + first * REQUEST_BYTES;
	struct iovec local[2] = {{remote->wire + first, count * REQUEST_BYTES},
				 {remote->room, remote->room_used}};
	struct iovec far[2] = {{(void *)at, count * REQUEST_BYTES},
			       {(void *)(remote->window + WINDOW_ROOM), remote->room_used}};
	size_t want = local[0].iov_len + local[1].iov_len;
	ssize_t n = out ? process_vm_writev(remote->task->pid, local, 2, far, 2, 0)
			: process_vm_readv(remote->task->pid, local, 2, far, 2, 0);

	if (n != (ssize_t)want)
		return sn_fail_sys(err, "exchange data with process %d", remote->task->pid);
	return 0;
}

static int results(struct remote *remote, size_t first, size_t count, struct sn_err *err)
{
	size_t i;

	for (i = first; i < first + count; i++)
		remote->calls[i].result = remote->wire[i].result;
	for (i = first; i < first + count; i++) {
		const struct remote_call *call = &remote->calls[i];

		if (!call->may_fail && call->result < 0 && call->result >= -MAX_ERRNO)
			return sn_fail_code(err, (int)-call->result, "%s", call->what);
	}
	return 0;
}

int remote_run(struct remote *remote, pid_t tid, struct sn_err *err)
{
	size_t first = remote->ran, count = remote->call_count - first;

	if (remote->call_count > MAX_CALLS)
		return sn_fail(err, "too much for one batch of remote calls");
	if (count == 0)
		return 0;
	to_wire(remote, first, count);
	remote->ran = remote->call_count;
	if (exchange(remote, true, first, count, err) < 0 ||
	    visit(remote, tid, PARASITE_RUN, first, count, err) < 0 ||
	    exchange(remote, false, first, count, err) < 0)
		return -1;
	return results(remote, first, count, err);
}

int remote_touch_amx(struct remote *remote, pid_t tid, struct sn_err *err)
{
	uint8_t config[64] = {[0] = 1, [16] = 64, [48] = 1}; /* palette 1, one row of 64 bytes */

	if (task_poke(remote->task, remote->window + WINDOW_REQUESTS, config, sizeof(config),
		      err) < 0)
		return -1;
	return visit(remote, tid, PARASITE_AMX, 0, 0, err);
}

int remote_end_thread(struct remote *remote, pid_t tid, struct sn_err *err)
{
	struct sn_err ended;

	remote_begin(remote);
	remote_call(remote, "forget clear_child_tid", SYS_set_tid_address, 0);
	remote_call(remote, "forget the robust list", SYS_set_robust_list, 0, 24);
	remote_call(remote, "exit", SYS_exit, 0);
	if (remote_run(remote, tid, &ended) == 0 || ended.code != ESRCH) {
		*err = ended;
		return sn_ctx(err, "end thread %d", tid);
	}
	remote->away = 0;
	task_forget_thread(remote->task, tid);
	remote_begin(remote);
	return 0;
}

/* ---- opening and closing ---- */

static int read_dispositions(struct remote *remote, struct sn_err *err)
{
	sn_auto_free char *status = proc_read(remote->task->pid, "status", NULL, err);

	if (!status)
		return -1;
	if (!proc_field(status, "SigCgt", 16, &remote->caught) ||
	    !proc_field(status, "SigIgn", 16, &remote->ignored))
		return sn_fail(err, "/proc/%d/status: no signal masks", remote->task->pid);
	return 0;
}

int remote_open(struct remote **remote, struct task *task, const struct proc_maps *maps,
		const struct remote_gadgets *gadgets, uint64_t hole, struct sn_err *err)
{
	struct remote *r = sn_calloc(1, sizeof(*r));

	r->task = task;
	r->gadgets = *gadgets;
	r->calls = sn_malloc((MAX_CALLS + 1) * sizeof(*r->calls));
	r->wire = sn_malloc((MAX_CALLS + 1) * sizeof(*r->wire));
	r->room = sn_calloc(1, ROOM_BYTES);
	bootstrap_check_gadgets(task, &r->gadgets);
	if (read_dispositions(r, err) < 0 ||
	    window_open(task, maps, &r->gadgets, hole, &r->window, err) < 0) {
		remote_close(r);
		return sn_ctx(err, "remote calls in process %d", task->pid);
	}
	*remote = r;
	return 0;
}

void remote_close(struct remote *remote)
{
	struct sn_err ignored;

	if (!remote)
		return;
	if (remote->window) {
		return_strays(remote);
		send_home(remote, &ignored);
		/* the program may be another by now, and its code elsewhere */
		bootstrap_check_gadgets(remote->task, &remote->gadgets);
		remote->gadgets.syscall = remote->window + WINDOW_CODE + PARASITE_SYSCALL;
		bootstrap_unmap(remote->task, &remote->gadgets, remote->window, WINDOW_BYTES,
				&ignored);
	}
	free(remote->calls);
	free(remote->wire);
	free(remote->room);
	free(remote->strays);
	free(remote);
}
