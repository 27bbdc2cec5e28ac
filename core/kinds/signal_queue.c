// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/signal_queue.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/task/proc.h"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

enum { SIGINFO_BYTES = 128, SIGNALS = 64, MASK_BYTES = 8 };

/* Pending signals, oldest first. */
struct list {
	siginfo_t *infos;
	size_t len;
};

_Static_assert(sizeof(siginfo_t) == SIGINFO_BYTES, "the kernel's siginfo_t");

static void list_release(struct list *list)
{
	free(list->infos);
}

static uint64_t bit(int sig)
{
	return sig >= 1 && sig <= SIGNALS ? UINT64_C(1) << (sig - 1) : 0;
}

static uint64_t signals_of(const struct list *list)
{
	uint64_t signals = 0;
	size_t i;

	for (i = 0; i < list->len; i++)
		signals |= bit(list->infos[i].si_signo);
	return signals;
}

static void add(struct list *list, const siginfo_t *info)
{
	list->infos = sn_realloc(list->infos, list->len + 1, SIGINFO_BYTES);
	list->infos[list->len++] = *info;
}

static size_t occurrences(const struct list *list, const siginfo_t *info)
{
	size_t i, n = 0;

	for (i = 0; i < list->len; i++)
		n += memcmp(&list->infos[i], info, SIGINFO_BYTES) == 0;
	return n;
}

/* ---- reading ---- */

/*
 * With the limit of queued signals reached a signal is pending as a bit alone, which only
 * the status shows; whoever takes it is told that it came from kill(2) by nobody.
 */
static void add_bits(struct list *list, bool shared, const char *status)
{
	uint64_t pending = 0;
	int sig;

	proc_field(status, shared ? "ShdPnd" : "SigPnd", 16, &pending);
	pending &= ~(signals_of(list) | bit(SIGKILL) | bit(SIGSTOP));
	for (sig = 1; pending && sig <= SIGNALS; sig++) {
		siginfo_t info = {.si_signo = sig, .si_code = SI_USER};

		if (pending & bit(sig))
			add(list, &info);
	}
}

static int list_read(struct list *list, pid_t tid, bool shared, const char *status,
		     struct sn_err *err)
{
	uint8_t *infos;

	if (task_pending(tid, shared, &infos, &list->len, err) < 0)
		return -1;
	list->infos = (siginfo_t *)infos;
	add_bits(list, shared, status);
	return 0;
}

static int list_now(struct list *list, const struct applying *a, bool shared, struct sn_err *err)
{
	sn_auto_free char *status = proc_read(a->thread->tid, "status", NULL, err);

	return status ? list_read(list, a->thread->tid, shared, status, err) : -1;
}

static int ask(struct reading *r, Sn__SignalQueue *model, bool shared, struct sn_err *err)
{
	sn_auto(list_release) struct list list = {0};
	size_t i;

	if (list_read(&list, r->thread->tid, shared, r->status, err) < 0)
		return -1;
	if (list.len == 0)
		return 0;
	model->siginfos = sn_calloc(list.len, sizeof(*model->siginfos));
	model->n_siginfos = list.len;
	for (i = 0; i < list.len; i++)
		kind_set_bytes(&model->siginfos[i], &list.infos[i], SIGINFO_BYTES);
	return 0;
}

static int ask_shared(struct reading *r, void *message, struct sn_err *err)
{
	return ask(r, message, true, err);
}

static int ask_thread(struct reading *r, void *message, struct sn_err *err)
{
	return ask(r, message, false, err);
}

static int list_from(struct list *list, const Sn__SignalQueue *model, struct sn_err *err)
{
	size_t i;

	for (i = 0; model && i < model->n_siginfos; i++) {
		siginfo_t info;

		if (model->siginfos[i].len != SIGINFO_BYTES)
			return sn_fail(err, "a pending signal of %zu bytes",
				       model->siginfos[i].len);
		memcpy(&info, model->siginfos[i].data, SIGINFO_BYTES);
		if (!bit(info.si_signo))
			return sn_fail(err, "pending signal %d: no such signal", info.si_signo);
		add(list, &info);
	}
	return 0;
}

/* ---- changing ---- */

static bool is_of_timer(const siginfo_t *info)
{
	if (info->si_code == SI_TIMER)
		return true;
	return info->si_code == SI_KERNEL && (info->si_signo == SIGALRM ||
					      info->si_signo == SIGVTALRM ||
					      info->si_signo == SIGPROF);
}

/* Room in the batch for one more call with its data. */
static int make_room(struct applying *a, struct sn_err *err)
{
	enum { CALL_DATA_BYTES = 2 * SIGINFO_BYTES };

	return remote_fits(a->remote, 1, CALL_DATA_BYTES) ? 0 : applying_run(a, err);
}

/* Takes up to `count` of these signals out of both queues. */
static int take_out(struct applying *a, uint64_t signals, size_t count, struct sn_err *err)
{
	const struct timespec none = {0};
	size_t i;

	for (i = 0; i < count; i++) {
		if (make_room(a, err) < 0)
			return -1;
		remote_try(a->remote, "take a pending signal out", SYS_rt_sigtimedwait,
			   remote_data(a->remote, &signals, sizeof(signals)), 0,
			   remote_data(a->remote, &none, sizeof(none)), MASK_BYTES);
	}
	return 0;
}

static int queue(struct applying *a, const siginfo_t *info, bool shared, struct sn_err *err)
{
	uint64_t pid = (uint64_t)a->task->pid, tid = (uint64_t)a->thread->tid, addr;

	if (make_room(a, err) < 0)
		return -1;
	addr = remote_data(a->remote, info, SIGINFO_BYTES);
	if (shared)
		remote_call(a->remote, "queue a pending signal", SYS_rt_sigqueueinfo, pid,
			    (uint64_t)info->si_signo, addr);
	else
		remote_call(a->remote, "queue a pending signal", SYS_rt_tgsigqueueinfo, pid, tid,
			    (uint64_t)info->si_signo, addr);
	return 0;
}

/* The shared queue takes a siginfo that says it comes from the kernel from the leader only. */
static int put_back(struct applying *a, const struct list *list, bool shared, struct sn_err *err)
{
	struct task_thread *thread = a->thread, *leader = task_leader(a->task);
	bool elsewhere = shared && thread != leader && list->len > 0;
	int result = 0;
	size_t i;

	if (elsewhere) {
		if (applying_run(a, err) < 0)
			return -1;
		a->thread = leader;
	}
	for (i = 0; i < list->len && result == 0; i++)
		result = queue(a, &list->infos[i], shared, err);
	if (elsewhere) {
		if (result == 0)
			result = applying_run(a, err);
		a->thread = thread;
	}
	return result;
}

/*
 * From what is pending now to what is to be. How many of one queue's signals will come out is
 * not known for sure (the kernel drops those of timers that were set anew), so both queues
 * are emptied, and the other one is filled again as it was.
 */
static int become(struct applying *a, bool shared, const struct list *now,
		  const struct list *wanted, struct sn_err *err)
{
	sn_auto(list_release) struct list other = {0};
	uint64_t out;

	if (now->len == wanted->len &&
	    (now->len == 0 || memcmp(now->infos, wanted->infos, now->len * SIGINFO_BYTES) == 0))
		return 0;
	if (now->len && list_now(&other, a, !shared, err) < 0)
		return -1;
	out = signals_of(now) | signals_of(&other);
	remote_hold_signals(a->remote, out | signals_of(wanted));
	if (take_out(a, out, now->len + other.len, err) < 0 ||
	    put_back(a, &other, !shared, err) < 0)
		return -1;
	return put_back(a, wanted, shared, err);
}

/* What of the living queue came after `have` was read, timers apart. */
static void add_news(struct list *wanted, const struct list *now, const struct list *have)
{
	size_t i;

	if (now->len < have->len ||
	    (have->len && memcmp(now->infos, have->infos, have->len * SIGINFO_BYTES) != 0))
		return;
	for (i = have->len; i < now->len; i++)
		if (!is_of_timer(&now->infos[i]))
			add(wanted, &now->infos[i]);
}

static int correct(struct applying *a, const void *have, const void *want, bool shared,
		   struct sn_err *err)
{
	sn_auto(list_release) struct list old = {0}, now = {0}, wanted = {0};

	if (list_from(&old, have, err) < 0 || list_from(&wanted, want, err) < 0 ||
	    list_now(&now, a, shared, err) < 0)
		return -1;
	if (have && !a->blank)
		add_news(&wanted, &now, &old);
	return become(a, shared, &now, &wanted, err);
}

static int correct_shared(struct applying *a, const void *have, const void *want,
			  struct sn_err *err)
{
	return correct(a, have, want, true, err);
}

static int correct_thread(struct applying *a, const void *have, const void *want,
			  struct sn_err *err)
{
	return correct(a, have, want, false, err);
}

static const Sn__SignalQueue *wanted_queue(const struct applying *a, bool shared)
{
	size_t i;

	if (shared)
		return a->want_task->signal_queue;
	for (i = 0; i < a->want_task->n_threads; i++)
		if (a->want_task->threads[i]->tid == (uint32_t)a->thread->tid)
			return a->want_task->threads[i]->signal_queue;
	return NULL;
}

int signal_queue_drop_timers(struct applying *a, bool shared, struct sn_err *err)
{
	sn_auto(list_release) struct list now = {0}, wanted = {0}, kept = {0};
	size_t i;

	if (applying_run(a, err) < 0 || list_now(&now, a, shared, err) < 0 ||
	    list_from(&wanted, wanted_queue(a, shared), err) < 0)
		return -1;
	for (i = 0; i < now.len; i++)
		if (!is_of_timer(&now.infos[i]) ||
		    occurrences(&kept, &now.infos[i]) < occurrences(&wanted, &now.infos[i]))
			add(&kept, &now.infos[i]);
	if (become(a, shared, &now, &kept, err) < 0)
		return -1;
	return applying_run(a, err);
}

const struct kind kind_signal_queue = {
	.name = "pending signals",
	.level = KIND_TASK,
	.field = 22,
	.stage = STAGE_TASK,
	.ask = ask_shared,
	.correct = correct_shared,
};

const struct kind kind_thread_signal_queue = {
	.name = "pending signals of a thread",
	.level = KIND_THREAD,
	.field = 23,
	.stage = STAGE_THREAD,
	.ask = ask_thread,
	.correct = correct_thread,
};
