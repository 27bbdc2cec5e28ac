// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/interval_timers.h"

#include "core/base/mem.h"
#include "core/kinds/signal_queue.h"

#include <sys/syscall.h>
#include <sys/time.h>

enum { TIMERS = 3, US_PER_S = 1000000 }; /* ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF */

static struct timeval to_timeval(uint64_t us)
{
	return (struct timeval){(time_t)(us / US_PER_S), (suseconds_t)(us % US_PER_S)};
}

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	uint64_t addr;
	int which;

	(void)message;
	(void)err;
	r->keep[0] = remote_room(r->remote, TIMERS * sizeof(struct itimerval), &addr);
	for (which = 0; which < TIMERS; which++)
		remote_call(r->remote, "read an interval timer", SYS_getitimer, (uint64_t)which,
			    addr + (uint64_t)which * sizeof(struct itimerval));
	return 0;
}

static uint64_t to_us(const struct timeval *tv)
{
	return (uint64_t)tv->tv_sec * US_PER_S + (uint64_t)tv->tv_usec;
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	const struct itimerval *values = r->keep[0];
	Sn__IntervalTimers *timers = message;
	int which;

	(void)err;
	for (which = 0; which < TIMERS; which++) {
		Sn__IntervalTimer *timer;

		/* a periodic one stands still while its signal is pending, its interval left */
		if (to_us(&values[which].it_value) == 0 && to_us(&values[which].it_interval) == 0)
			continue;
		timer = kind_append(timers, timers, sn__interval_timer);
		timer->which = (uint32_t)which;
		timer->value_us = to_us(&values[which].it_value);
		timer->interval_us = to_us(&values[which].it_interval);
	}
	return 0;
}

/* Those of a living process may have fired since it was frozen. */
static int stop_old(struct applying *a, const Sn__IntervalTimers *timers, struct sn_err *err)
{
	const struct itimerval stopped = {0};
	size_t i;

	if (!timers || timers->n_timers == 0)
		return 0;
	for (i = 0; i < timers->n_timers; i++)
		remote_call(a->remote, "stop an interval timer", SYS_setitimer,
			    timers->timers[i]->which,
			    remote_data(a->remote, &stopped, sizeof(stopped)), 0);
	return signal_queue_drop_timers(a, true, err);
}

static int correct(struct applying *a, const void *have, const void *want, struct sn_err *err)
{
	const Sn__IntervalTimers *timers = want;
	struct itimerval values[TIMERS] = {0};
	size_t i;
	int which;

	for (i = 0; timers && i < timers->n_timers; i++) {
		const Sn__IntervalTimer *timer = timers->timers[i];
		uint64_t interval = timer->interval_us;

		if (timer->which >= TIMERS)
			return sn_fail(err, "interval timer %u: no such timer", timer->which);
		values[timer->which] = (struct itimerval){
			to_timeval(interval),
			to_timeval(timer->value_us ? timer->value_us : interval),
		};
	}
	if (!a->blank && stop_old(a, have, err) < 0)
		return -1;
	for (which = 0; which < TIMERS; which++)
		remote_call(a->remote, "set an interval timer", SYS_setitimer, (uint64_t)which,
			    remote_data(a->remote, &values[which], sizeof(values[which])), 0);
	return 0;
}

const struct kind kind_interval_timers = {
	.name = "interval timers",
	.level = KIND_TASK,
	.field = 23,
	.stage = STAGE_TASK,
	.ask = ask,
	.take = take,
	.correct = correct,
};
