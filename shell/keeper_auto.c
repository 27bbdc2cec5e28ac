// SPDX-License-Identifier: Apache-2.0
/*
 * Snapshots by a timer. The setting is in the application's row, so that the next keeper goes
 * on with it. A time that passes while something else is done is not made up for.
 */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/gc.h"
#include "shell/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
	SLACK = 16, /* one part in so many more than asked for stays, so that some go together */
};

int keeper_auto_start(struct keeper *k, struct sn_err *err)
{
	int64_t ns = k->app.auto_interval_ns;
	struct timespec interval = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
	struct itimerspec spec = {.it_interval = interval, .it_value = interval};

	if (k->timer < 0)
		k->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (k->timer < 0 || timerfd_settime(k->timer, 0, &spec, NULL) < 0)
		return sn_fail_sys(err, "set the timer of %s", k->app.name);
	k->auto_failed[0] = '\0';
	return 0;
}

/* The oldest of the timer's go, when there are some more than asked for. */
static int drop_old(struct keeper *k, struct sn_err *err)
{
	size_t keep = (size_t)k->app.auto_keep, count, drop = 0;
	sn_auto_free int64_t *ids = NULL;

	if (!keep)
		return 0;
	if (catalog_snapshots_timed(k->catalog, k->app.id, &ids, &count, err) < 0)
		return -1;
	if (count <= keep + keep / SLACK)
		return 0;
	for (size_t i = 0; i < count - keep; i++)
		if (!catalog_snapshot_is_held(k->catalog, k->app.id, ids[i]))
			ids[drop++] = ids[i];
	if (catalog_snapshots_drop(k->catalog, k->app.id, ids, drop, err) < 0)
		return err->code == EBUSY ? 0 : -1; /* just now, that is: the next time */
	k->gc_due.dropped += drop;
	return 0;
}

static int take_timed(struct keeper *k, struct sn_err *err)
{
	static const struct take_options options = {.taker = TAKEN_BY_TIMER};
	struct catalog_snapshot taken;

	if (snap_take(k->session, &options, &taken, err) < 0)
		return -1;
	k->gc_due.taken++;
	if (drop_old(k, err) < 0)
		return -1;
	gc_when_due(k->catalog, &k->gc_due);
	return 0;
}

/* What fails is tried again the next time, and written down when it is not as before. */
void keeper_auto_tick(struct keeper *k)
{
	uint64_t ticks;
	struct sn_err err;

	if (read(k->timer, &ticks, sizeof(ticks)) != sizeof(ticks))
		return;
	if (take_timed(k, &err) == 0) {
		k->auto_failed[0] = '\0';
		return;
	}
	if (strcmp(k->auto_failed, err.text) != 0)
		fprintf(stderr, "auto %s: %s\n", k->app.name, err.text);
	snprintf(k->auto_failed, sizeof(k->auto_failed), "%s", err.text);
}
