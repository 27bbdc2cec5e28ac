// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/posix_timers.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kernel/uapi.h"
#include "core/kinds/signal_queue.h"
#include "core/task/proc.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

enum {
	BLIND_IDS = 256,     /* looked for where the kernel does not list timers */
	NS_PER_S = 1000000000,
	CLOCK_THREAD = -2,   /* CLOCK_THREAD_CPUTIME_ID of the thread that made the timer */
	MAX_SKIPPED = 1 << 22, /* numbers made and deleted, two seconds' worth */
};

struct event { /* struct sigevent of the kernel */
	uint64_t value;
	int32_t signal, notify, tid;
	uint8_t pad[44];
};

/* One timer's calls, from ask to take. */
struct asked {
	const struct remote_call *time, *overrun;
};

_Static_assert(sizeof(struct event) == 64, "the kernel's struct sigevent");

/* ---- reading ---- */

/* One record of /proc/PID/timers, proc_pid_timers(5); where it ends, or NULL. */
static const char *parse_timer(const char *text, Sn__PosixTimer *timer)
{
	char notify[16], target[8];
	unsigned long long value;
	int id, signal, number, clock, len = 0;

	if (sscanf(text, "ID: %d signal: %d/%llx notify: %15[a-z]/%7[a-z].%d ClockID: %d%n", &id,
		   &signal, &value, notify, target, &number, &clock, &len) != 7)
		return NULL;
	timer->id = id;
	timer->signal = (uint32_t)signal;
	timer->value = value;
	timer->clock = clock;
	timer->notify = strcmp(notify, "none") == 0     ? SIGEV_NONE
			: strcmp(notify, "thread") == 0 ? SIGEV_THREAD
							: SIGEV_SIGNAL;
	if (strcmp(target, "tid") == 0) {
		timer->notify |= SIGEV_THREAD_ID;
		timer->tid = number;
	}
	return text + len + strspn(text + len, "\n");
}

static int by_id(const void *a, const void *b)
{
	const Sn__PosixTimer *const *x = a, *const *y = b;

	return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

static int parse_timers(const struct reading *r, Sn__PosixTimers *model, struct sn_err *err)
{
	sn_auto_free char *text = proc_read(r->task->pid, "timers", NULL, err);
	const char *at = text;

	if (!text)
		return -1;
	while (*at) {
		at = parse_timer(at, kind_append(model, timers, sn__posix_timer));
		if (!at)
			return sn_fail(err, "/proc/%d/timers: not as expected", r->task->pid);
	}
	if (model->n_timers)
		qsort(model->timers, model->n_timers, sizeof(*model->timers), by_id);
	return 0;
}

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	Sn__PosixTimers *model = message;
	size_t count = BLIND_IDS, i;
	struct asked *asked;
	uint64_t addr;

	if (r->caps->proc_timers) {
		if (parse_timers(r, model, err) < 0)
			return -1;
		count = model->n_timers;
	}
	if (count == 0)
		return 0;
	if (!remote_fits(r->remote, 2 * count, count * sizeof(struct itimerspec)))
		return sn_fail(err, "%zu timers are too many", count);
	r->keep[0] = remote_room(r->remote, count * sizeof(struct itimerspec), &addr);
	r->keep[1] = asked = sn_calloc(count, sizeof(*asked));
	for (i = 0; i < count; i++) {
		uint64_t id = r->caps->proc_timers ? (uint64_t)model->timers[i]->id : i;

		asked[i].time = remote_try(r->remote, "read a timer", SYS_timer_gettime, id,
					   addr + i * sizeof(struct itimerspec));
		asked[i].overrun = remote_try(r->remote, "read a timer's overruns",
					      SYS_timer_getoverrun, id);
	}
	return 0;
}

static int refuse_blind(const struct asked *asked, struct sn_err *err)
{
	size_t i;

	for (i = 0; i < BLIND_IDS; i++)
		if (asked[i].time->result == 0)
			return sn_fail(err, "timer %zu: this kernel does not list timers "
					    "(/proc/PID/timers)", i);
	return 0;
}

static uint64_t to_ns(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * NS_PER_S + (uint64_t)ts->tv_nsec;
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	const struct itimerspec *values = r->keep[0];
	const struct asked *asked = r->keep[1];
	Sn__PosixTimers *model = message;
	size_t i;

	if (!r->caps->proc_timers)
		return refuse_blind(asked, err);
	for (i = 0; i < model->n_timers; i++) {
		int64_t result = asked[i].time->result, overrun = asked[i].overrun->result;
		Sn__PosixTimer *timer = model->timers[i];

		if (result < 0)
			return sn_fail_code(err, (int)-result, "read timer %d", timer->id);
		timer->value_ns = to_ns(&values[i].it_value);
		timer->interval_ns = to_ns(&values[i].it_interval);
		timer->overrun = overrun > 0 ? (uint32_t)overrun : 0;
	}
	return 0;
}

static void release(struct reading *r)
{
	free(r->keep[1]);
}

/* ---- correcting ---- */

static const Sn__PosixTimer *find(const Sn__PosixTimers *model, int32_t id)
{
	size_t i;

	for (i = 0; model && i < model->n_timers; i++)
		if (model->timers[i]->id == id)
			return model->timers[i];
	return NULL;
}

/* The same timer, set to another time perhaps. */
static bool is_same(const Sn__PosixTimer *a, const Sn__PosixTimer *b)
{
	return a && b && a->id == b->id && a->clock == b->clock && a->notify == b->notify &&
	       a->signal == b->signal && a->value == b->value && a->tid == b->tid;
}

/* Deletes what is not wanted, stops the rest, and forgets what they have sent since. */
static int stop_old(struct applying *a, const Sn__PosixTimers *old, const Sn__PosixTimers *new,
		    struct sn_err *err)
{
	const struct itimerspec disarmed = {0};
	struct task_thread *leader = a->thread;
	int result = 0;
	size_t i;

	for (i = 0; i < old->n_timers; i++) {
		uint64_t id = (uint64_t)old->timers[i]->id;

		if (!remote_fits(a->remote, 1, sizeof(disarmed)) && applying_run(a, err) < 0)
			return -1;
		if (is_same(old->timers[i], find(new, old->timers[i]->id)))
			remote_call(a->remote, "stop a timer", SYS_timer_settime, id, 0,
				    remote_data(a->remote, &disarmed, sizeof(disarmed)), 0);
		else
			remote_call(a->remote, "delete a timer", SYS_timer_delete, id);
	}
	if (a->blank)
		return applying_run(a, err);
	if (signal_queue_drop_timers(a, true, err) < 0)
		return -1;
	for (i = 0; i < old->n_timers && result == 0; i++) {
		a->thread = task_thread(a->task, old->timers[i]->tid);
		if (a->thread)
			result = signal_queue_drop_timers(a, false, err);
	}
	a->thread = leader;
	return result;
}

/* Makes a timer with whatever number comes; *made is that. */
static int create(struct applying *a, const Sn__PosixTimer *timer, int32_t ask_for, int32_t *made,
		  struct sn_err *err)
{
	const struct event event = {
		.value = timer->value,
		.signal = (int32_t)timer->signal,
		.notify = (int32_t)timer->notify,
		.tid = timer->tid,
	};
	const struct remote_call *call;
	uint64_t addr;
	int32_t *id = remote_room(a->remote, sizeof(*id), &addr);
	bool exact = a->caps->timer_restore_ids;

	*id = ask_for;
	if (exact)
		remote_call(a->remote, "ask for a timer's number", SYS_prctl,
			    PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_ON);
	call = remote_try(a->remote, "make a timer", SYS_timer_create, (uint64_t)timer->clock,
			  remote_data(a->remote, &event, sizeof(event)), addr);
	if (exact)
		remote_call(a->remote, "ask for no number", SYS_prctl, PR_TIMER_CREATE_RESTORE_IDS,
			    PR_TIMER_CREATE_RESTORE_IDS_OFF);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	if (call->result < 0)
		return sn_fail_code(err, (int)-call->result, "make timer %d (clock %d)", timer->id,
				    timer->clock);
	*made = *id;
	remote_begin(a->remote);
	return 0;
}

/* The kernel counts numbers up: makes and deletes timers until the next one is `until`. */
static int skip_numbers(struct applying *a, int32_t from, int32_t until, struct sn_err *err)
{
	const struct event silent = {.notify = SIGEV_NONE};
	uint64_t event = 0, addr = 0;
	int32_t id;

	if ((int64_t)until - from > MAX_SKIPPED)
		return sn_fail(err, "timer %d: too far from %d", until, from);
	for (id = from; id < until; id++) {
		if (id == from || !remote_fits(a->remote, 2, 0)) {
			if (applying_run(a, err) < 0)
				return -1;
			event = remote_data(a->remote, &silent, sizeof(silent));
			remote_room(a->remote, sizeof(int32_t), &addr);
		}
		remote_call(a->remote, "make a timer", SYS_timer_create, CLOCK_MONOTONIC, event,
			    addr);
		remote_call(a->remote, "delete a timer", SYS_timer_delete, (uint64_t)id);
	}
	return applying_run(a, err);
}

static int make(struct applying *a, const Sn__PosixTimer *timer, struct sn_err *err)
{
	int32_t made;

	if (timer->clock == CLOCK_THREAD && a->want_task->n_threads > 1)
		applying_note(a, "timer %d: counts the processor time of the main thread now",
			      timer->id);
	if (create(a, timer, timer->id, &made, err) < 0)
		return -1;
	if (made == timer->id)
		return 0;
	remote_call(a->remote, "delete a timer", SYS_timer_delete, (uint64_t)made);
	if (applying_run(a, err) < 0)
		return -1;
	if (made > timer->id)
		return sn_fail(err, "timer %d: its number has gone by (the next is %d), and this "
				    "kernel gives none a second time", timer->id, made + 1);
	if (skip_numbers(a, made + 1, timer->id, err) < 0 ||
	    create(a, timer, timer->id, &made, err) < 0)
		return -1;
	return made == timer->id ? 0 : sn_fail(err, "timer %d: it became %d", timer->id, made);
}

static struct timespec to_ts(uint64_t ns)
{
	return (struct timespec){(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
}

static int arm(struct applying *a, const Sn__PosixTimer *old, const Sn__PosixTimer *new,
	       struct sn_err *err)
{
	const struct itimerspec value = {to_ts(new->interval_ns), to_ts(new->value_ns)};

	if (!remote_fits(a->remote, 1, sizeof(value)) && applying_run(a, err) < 0)
		return -1;
	remote_call(a->remote, "set a timer", SYS_timer_settime, (uint64_t)new->id, 0,
		    remote_data(a->remote, &value, sizeof(value)), 0);
	if (new->overrun && (!old || old->overrun != new->overrun))
		applying_note(a, "timer %d: its overrun count was %u and is 0 now", new->id,
			      new->overrun);
	return 0;
}

static int correct(struct applying *a, const void *have, const void *want, struct sn_err *err)
{
	const Sn__PosixTimers none = SN__POSIX_TIMERS__INIT;
	const Sn__PosixTimers *old = have ? have : &none, *new = want ? want : &none;
	size_t i;

	if (old->n_timers && stop_old(a, old, new, err) < 0)
		return -1;
	for (i = 0; i < new->n_timers; i++)
		if (!is_same(find(old, new->timers[i]->id), new->timers[i]) &&
		    make(a, new->timers[i], err) < 0)
			return -1;
	for (i = 0; i < new->n_timers; i++)
		if (arm(a, find(old, new->timers[i]->id), new->timers[i], err) < 0)
			return -1;
	return 0;
}

const struct kind kind_posix_timers = {
	.name = "POSIX timers",
	.level = KIND_TASK,
	.field = 24,
	.stage = STAGE_THREAD,
	.ask = ask,
	.take = take,
	.release = release,
	.correct = correct,
};
