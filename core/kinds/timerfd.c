// SPDX-License-Identifier: Apache-2.0
/*
 * A relative timer keeps what remained of it; one set with TFD_TIMER_ABSTIME keeps the time
 * of its expiry, for that is what the program asked for: if it has passed when the
 * snapshot comes back to life, it expires at once.
 *
 * Reading asks the target itself, whose clocks may have an offset (time_namespaces(7)).
 * The expiries of a periodic timer are only counted up when somebody looks, so fdinfo is read
 * after timerfd_gettime.
 */
#include "core/kinds/timerfd.h"

#include "core/base/guard.h"
#include "core/kinds/fdinfo.h"
#include "core/task/proc.h"

#include <errno.h>
#include <linux/ioctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>

#ifndef TFD_IOC_SET_TICKS
#define TFD_IOC_SET_TICKS _IOW('T', 0, uint64_t) /* proc_pid_fdinfo(5), timerfd_create(2) */
#endif

enum { NS_PER_S = 1000000000 };

static bool recognise(const struct file_probe *probe)
{
	return strcmp(probe->link, "anon_inode:[timerfd]") == 0;
}

/* The clock that tells the time an alarm clock runs by. */
static uint32_t readable_clock(uint32_t clock)
{
	return clock == CLOCK_REALTIME_ALARM   ? CLOCK_REALTIME
	       : clock == CLOCK_BOOTTIME_ALARM ? CLOCK_BOOTTIME
					       : clock;
}

static uint64_t to_ns(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * NS_PER_S + (uint64_t)ts->tv_nsec;
}

static struct timespec from_ns(uint64_t ns)
{
	return (struct timespec){(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
}

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	Sn__TimerFd *timerfd = message;
	uint64_t clock, flags, now, value;

	if (!proc_field(r->probe->fdinfo, "clockid", 10, &clock) ||
	    !proc_field(r->probe->fdinfo, "settime flags", 8, &flags))
		return sn_fail(err, "timerfd: the kernel does not tell its state");
	timerfd->clock = (uint32_t)clock;
	timerfd->settime_flags = (uint32_t)flags;
	r->keep[0] = remote_room(r->remote, sizeof(struct timespec), &now);
	r->keep[1] = remote_room(r->remote, sizeof(struct itimerspec), &value);
	remote_call(r->remote, "read a timerfd's clock", SYS_clock_gettime,
		    readable_clock(timerfd->clock), now);
	remote_call(r->remote, "read a timerfd", SYS_timerfd_gettime, (uint64_t)r->probe->fd,
		    value);
	return 0;
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	const struct timespec *now = r->keep[0];
	const struct itimerspec *value = r->keep[1];
	sn_auto_free char *fdinfo = NULL;
	Sn__TimerFd *timerfd = message;
	char name[32];

	snprintf(name, sizeof(name), "fdinfo/%d", r->probe->fd);
	fdinfo = proc_read(r->task->pid, name, NULL, err);
	if (!fdinfo)
		return -1;
	if (!proc_field(fdinfo, "ticks", 10, &timerfd->ticks))
		return sn_fail(err, "timerfd: the kernel does not tell its ticks");
	timerfd->value_ns = to_ns(&value->it_value);
	timerfd->interval_ns = to_ns(&value->it_interval);
	if (timerfd->value_ns && (timerfd->settime_flags & TFD_TIMER_ABSTIME))
		timerfd->absolute_ns = to_ns(now) + timerfd->value_ns;
	return 0;
}

static bool same(const Sn__OpenFile *have, const Sn__OpenFile *want)
{
	return have->timerfd->clock == want->timerfd->clock;
}

static int make(struct applying *a, const Sn__OpenFile *want, struct sn_err *err)
{
	struct remote_call *call;

	if (applying_run(a, err) < 0)
		return -1;
	call = remote_call(a->remote, "make a timerfd", SYS_timerfd_create, want->timerfd->clock,
			   0);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	return applying_made(a, want->id, (int)call->result, err);
}

/* Setting the time also forgets the ticks. */
static int settle(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want, int fd,
		  struct sn_err *err)
{
	const Sn__TimerFd *timerfd = want->timerfd;
	bool absolute = timerfd->settime_flags & TFD_TIMER_ABSTIME;
	struct itimerspec value = {
		.it_interval = from_ns(timerfd->interval_ns),
		.it_value = from_ns(absolute ? timerfd->absolute_ns : timerfd->value_ns),
	};
	struct remote_call *ticks;

	if (have && !have->timerfd->value_ns &&
	    message_equal(&have->timerfd->base, &timerfd->base))
		return 0; /* both at rest */
	remote_call(a->remote, "set a timerfd", SYS_timerfd_settime, (uint64_t)fd,
		    timerfd->settime_flags, remote_data(a->remote, &value, sizeof(value)), 0);
	if (!timerfd->ticks)
		return 0;
	ticks = remote_try(a->remote, "set a timerfd's ticks", SYS_ioctl, (uint64_t)fd,
			   TFD_IOC_SET_TICKS,
			   remote_data(a->remote, &timerfd->ticks, sizeof(timerfd->ticks)));
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	if (ticks->result < 0)
		applying_note(a, "fd %d: timerfd: %llu expiries not yet read are lost: %s", fd,
			      (unsigned long long)timerfd->ticks, strerror((int)-ticks->result));
	return 0;
}

static const struct file_ops ops = {
	.recognise = recognise,
	.same = same,
	.make = make,
	.settle = settle,
};

const struct kind kind_timerfd = {
	.name = "timerfd",
	.level = KIND_FILE,
	.field = 17,
	.ask = ask,
	.take = take,
	.file = &ops,
};
