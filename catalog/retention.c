/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/retention.h"

#include <time.h>

/* A number that snapshots of the same hour, or day, of local time have in common. */
static int64_t period_of(int64_t created_ns, bool hourly)
{
	time_t seconds = created_ns / 1000000000;
	struct tm tm;

	localtime_r(&seconds, &tm);
	return ((int64_t)tm.tm_year * 400 + tm.tm_yday) * 24 + (hourly ? tm.tm_hour : 0);
}

/* The newest of each period, from the newest on, until there are `periods`. */
static void keep_periods(const struct catalog_snapshot *snaps, size_t count, size_t periods,
			 bool hourly, unsigned reason, unsigned *reasons)
{
	int64_t last = INT64_MIN;

	for (size_t i = count; i-- && periods;) {
		int64_t period = period_of(snaps[i].created_ns, hourly);

		if (period == last)
			continue;
		last = period;
		periods--;
		reasons[i] |= reason;
	}
}

static unsigned own_reasons(const struct retention *retention, const struct catalog_app *app,
			    const struct catalog_snapshot *snap)
{
	unsigned reasons = 0;

	if (snap->id == app->current)
		reasons |= STAYS_HERE;
	if (snap->id == app->undo)
		reasons |= STAYS_UNDO;
	if (retention->tagged && snap->tag[0])
		reasons |= STAYS_TAGGED;
	return reasons;
}

void retention_apply(const struct retention *retention, const struct catalog_app *app,
		     const struct catalog_snapshot *snaps, size_t count, unsigned *reasons)
{
	for (size_t i = 0; i < count; i++) {
		reasons[i] = own_reasons(retention, app, &snaps[i]);
		if (count - i <= retention->last)
			reasons[i] |= STAYS_LAST;
	}
	keep_periods(snaps, count, retention->hourly, true, STAYS_HOURLY, reasons);
	keep_periods(snaps, count, retention->daily, false, STAYS_DAILY, reasons);
}
