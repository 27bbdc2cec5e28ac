// SPDX-License-Identifier: Apache-2.0
#include "shell/format.h"

#include "core/base/guard.h"

#include <string.h>
#include <sys/wait.h>
#include <time.h>

/* value / unit with one decimal as long as that says something. */
static const char *scaled(char *buf, uint64_t value, uint64_t unit, const char *name)
{
	double v = (double)value / (double)unit;

	snprintf(buf, FORMAT_MAX, v < 99.95 ? "%.1f %s" : "%.0f %s", v, name);
	return buf;
}

const char *format_bytes(char buf[FORMAT_MAX], uint64_t bytes)
{
	static const char *const names[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	uint64_t unit = 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(buf, FORMAT_MAX, "%u B", (unsigned)bytes);
		return buf;
	}
	/* 1023.96 KiB would print as 1024: go up a little before the next unit. */
	while (i + 1 < sn_countof(names) && bytes / 1023.5 >= (double)unit) {
		unit *= 1024;
		i++;
	}
	return scaled(buf, bytes, unit, names[i]);
}

const char *format_ns(char buf[FORMAT_MAX], uint64_t ns)
{
	if (ns < 1000) {
		snprintf(buf, FORMAT_MAX, "%u ns", (unsigned)ns);
		return buf;
	}
	if (ns < 999500)
		return scaled(buf, ns, 1000, "us");
	if (ns < 999500000)
		return scaled(buf, ns, 1000000, "ms");
	return scaled(buf, ns, 1000000000, "s");
}

const char *format_age(char buf[FORMAT_MAX], int64_t then_ns, int64_t now_ns)
{
	int64_t age_s = (now_ns - then_ns) / 1000000000;
	time_t then_s = then_ns / 1000000000;
	struct tm tm;

	if (age_s < 0 || age_s >= 24 * 3600) {
		localtime_r(&then_s, &tm);
		strftime(buf, FORMAT_MAX, "%Y-%m-%d %H:%M", &tm);
		return buf;
	}
	if (age_s < 60)
		snprintf(buf, FORMAT_MAX, "%ds ago", (int)age_s);
	else if (age_s < 3600)
		snprintf(buf, FORMAT_MAX, "%dm ago", (int)(age_s / 60));
	else
		snprintf(buf, FORMAT_MAX, "%dh ago", (int)(age_s / 3600));
	return buf;
}

const char *format_exit(char buf[FORMAT_MAX], int status)
{
	const char *name;

	if (status == -1) {
		snprintf(buf, FORMAT_MAX, "ended");
	} else if (WIFEXITED(status)) {
		snprintf(buf, FORMAT_MAX, "ended with status %d", WEXITSTATUS(status));
	} else {
		name = sigabbrev_np(WTERMSIG(status));
		if (name)
			snprintf(buf, FORMAT_MAX, "killed by SIG%s", name);
		else
			snprintf(buf, FORMAT_MAX, "killed by signal %d", WTERMSIG(status));
	}
	return buf;
}
