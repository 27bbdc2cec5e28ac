// SPDX-License-Identifier: Apache-2.0
/* info timers: what goes off by itself, of timer_create(2), setitimer(2), timerfd_create(2). */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/format.h"
#include "shell/info.h"
#include "shell/wire.h"

#include <signal.h>
#include <sys/time.h>
#include <time.h>

static const char *clock_name(char buf[32], int clock)
{
	static const char *const names[] = {
		[CLOCK_REALTIME] = "realtime",
		[CLOCK_MONOTONIC] = "monotonic",
		[CLOCK_PROCESS_CPUTIME_ID] = "process cpu",
		[CLOCK_THREAD_CPUTIME_ID] = "thread cpu",
		[CLOCK_BOOTTIME] = "boottime",
		[CLOCK_REALTIME_ALARM] = "realtime alarm",
		[CLOCK_BOOTTIME_ALARM] = "boottime alarm",
		[CLOCK_TAI] = "tai",
	};

	if (clock >= 0 && (size_t)clock < sn_countof(names) && names[clock])
		return names[clock];
	snprintf(buf, 32, "clock %d", clock);
	return buf;
}

/* One timer; `then` (taken): what happens when it goes off. */
static void add_row(json_t *rows, const char *kind, long id, const char *clock, uint64_t value_ns,
		    uint64_t interval_ns, char *then)
{
	json_array_append_new(rows,
			      json_pack("{s:s, s:I, s:s, s:I, s:I, s:o}", "kind", kind, "id",
					(json_int_t)id, "clock", clock, "remaining_ns",
					(json_int_t)value_ns, "interval_ns",
					(json_int_t)interval_ns, "then", json_text(then)));
	free(then);
}

/* malloc'd */
static char *signal_text(unsigned signal)
{
	const char *name = sigabbrev_np((int)signal);

	return name && signal < 32 ? sn_asprintf("SIG%s", name) : sn_asprintf("SIG%u", signal);
}

static char *notify_text(const Sn__PosixTimer *timer)
{
	sn_auto_free char *signal = signal_text(timer->signal);

	if (timer->notify == SIGEV_NONE)
		return sn_strdup("nothing");
	if (timer->notify & SIGEV_THREAD_ID)
		return sn_asprintf("%s to LWP %d", signal, timer->tid);
	return timer->overrun ? sn_asprintf("%s, %u overran", signal, timer->overrun)
			      : sn_steal_ptr(&signal);
}

static void add_posix(json_t *rows, const Sn__Task *task)
{
	const Sn__PosixTimers *all = task->posix_timers;
	char clock[32];

	for (size_t i = 0; all && i < all->n_timers; i++) {
		const Sn__PosixTimer *timer = all->timers[i];

		add_row(rows, "posix", timer->id, clock_name(clock, timer->clock), timer->value_ns,
			timer->interval_ns, notify_text(timer));
	}
}

static void add_interval(json_t *rows, const Sn__Task *task)
{
	static const struct {
		const char *clock;
		unsigned signal;
	} kinds[] = {
		[ITIMER_REAL] = {"real", SIGALRM},
		[ITIMER_VIRTUAL] = {"virtual", SIGVTALRM},
		[ITIMER_PROF] = {"prof", SIGPROF},
	};
	const Sn__IntervalTimers *all = task->interval_timers;

	for (size_t i = 0; all && i < all->n_timers; i++) {
		const Sn__IntervalTimer *timer = all->timers[i];

		if (timer->which < sn_countof(kinds))
			add_row(rows, "interval", timer->which, kinds[timer->which].clock,
				timer->value_us * 1000, timer->interval_us * 1000,
				signal_text(kinds[timer->which].signal));
	}
}

static const Sn__OpenFile *find_file(const Sn__Image *image, uint32_t id)
{
	for (size_t i = 0; i < image->n_files; i++) {
		if (image->files[i]->id == id)
			return image->files[i];
	}
	return NULL;
}

static void add_descriptors(json_t *rows, const Sn__Image *image, const Sn__Task *task)
{
	char clock[32];

	for (size_t i = 0; i < task->n_descriptors; i++) {
		const Sn__Descriptor *fd = task->descriptors[i];
		const Sn__OpenFile *file = find_file(image, fd->file_id);
		const Sn__TimerFd *timer;

		if (!file || file->object_case != SN__OPEN_FILE__OBJECT_TIMERFD)
			continue;
		timer = file->timerfd;
		add_row(rows, "timerfd", fd->fd, clock_name(clock, (int)timer->clock),
			timer->value_ns, timer->interval_ns,
			timer->ticks ? sn_asprintf("fd %u, %lu to be read", fd->fd, timer->ticks)
				     : sn_asprintf("fd %u", fd->fd));
	}
}

static char *timers_text(const json_t *rows)
{
	char remaining[FORMAT_MAX], interval[FORMAT_MAX], *text = NULL;
	const json_t *row;
	size_t len, i;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort();
	fprintf(out, "%-8s  %4s  %-14s  %-11s  %-10s  %s\n", "Kind", "Id", "Clock", "Goes off in",
		"Every", "Then");
	json_array_foreach(rows, i, row) {
		uint64_t value = (uint64_t)wire_number(row, "remaining_ns");
		uint64_t every = (uint64_t)wire_number(row, "interval_ns");

		fprintf(out, "%-8s  %4lld  %-14s  %-11s  %-10s  %s\n", wire_string(row, "kind"),
			wire_number(row, "id"), wire_string(row, "clock"),
			value ? format_ns(remaining, value) : "disarmed",
			every ? format_ns(interval, every) : "once", wire_string(row, "then"));
	}
	fclose(out);
	return text;
}

int info_timers(struct info *info, struct sn_err *err)
{
	const Sn__Task *task = inspect_task(info->looking->in);
	sn_auto_free char *text = NULL;
	json_t *rows = json_array();

	(void)err;
	add_posix(rows, task);
	add_interval(rows, task);
	add_descriptors(rows, inspect_image(info->looking->in), task);
	text = json_array_size(rows) ? timers_text(rows) : sn_strdup("No timers.\n");
	info->result = json_pack("{s:o, s:o}", "timers", rows, "text", json_text(text));
	return 0;
}
