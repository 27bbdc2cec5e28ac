// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/fdinfo.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

enum { NS_PER_S = 1000000000, KERNEL_MINOR_BITS = 20 };

const char *fdinfo_line(const char **at, const char *prefix)
{
	size_t len = strlen(prefix);
	const char *line = *at;

	while (*line) {
		const char *end = strchrnul(line, '\n');

		*at = *end ? end + 1 : end;
		if (strncmp(line, prefix, len) == 0)
			return line + len;
		line = *at;
	}
	return NULL;
}

static int bad_line(const char *what, const char *line, struct sn_err *err)
{
	return sn_fail(err, "fdinfo: unknown %s: %.*s", what, (int)strcspn(line, "\n"), line);
}

bool fdinfo_timespec(const char *text, const char *name, uint64_t *ns)
{
	char prefix[32];
	const char *line;
	uint64_t seconds, rest;

	snprintf(prefix, sizeof(prefix), "%s:", name);
	line = fdinfo_line(&text, prefix);
	if (!line || sscanf(line, " (%" SCNu64 ", %" SCNu64 ")", &seconds, &rest) != 2)
		return false;
	*ns = seconds * NS_PER_S + rest;
	return true;
}

/* The kernel prints its own dev_t: 12 bits major, 20 bits minor. */
static uint64_t from_kernel_dev(uint64_t dev)
{
	return makedev(dev >> KERNEL_MINOR_BITS, dev & ((1u << KERNEL_MINOR_BITS) - 1));
}

int fdinfo_next_lock(const char **at, struct fdinfo_lock *lock, struct sn_err *err)
{
	const char *line = fdinfo_line(at, "lock:");
	char access[8], end[24];
	uint64_t last;

	if (!line)
		return 0;
	if (sscanf(line, " %*d: %7s %*s %7s %*d %*x:%*x:%*u %" SCNu64 " %23s", lock->type, access,
		   &lock->start, end) != 4)
		return bad_line("lock", line, err);
	lock->write = strcmp(access, "WRITE") == 0;
	if (!lock->write && strcmp(access, "READ") != 0)
		return bad_line("lock", line, err);
	lock->length = 0;
	if (strcmp(end, "EOF") == 0)
		return 1;
	if (sscanf(end, "%" SCNu64, &last) != 1 || last < lock->start)
		return bad_line("lock", line, err);
	lock->length = last - lock->start + 1;
	return 1;
}

int fdinfo_next_target(const char **at, struct fdinfo_target *target, struct sn_err *err)
{
	const char *line = fdinfo_line(at, "tfd:");
	uint64_t dev;

	if (!line)
		return 0;
	if (sscanf(line,
		   " %" SCNu32 " events: %" SCNx32 " data: %" SCNx64 " pos:%*d ino:%" SCNx64
		   " sdev:%" SCNx64,
		   &target->fd, &target->events, &target->data, &target->ino, &dev) != 5)
		return bad_line("epoll target", line, err);
	target->dev = from_kernel_dev(dev);
	return 1;
}

static int parse_handle(const char *line, struct fdinfo_watch *watch, struct sn_err *err)
{
	size_t line_len = strcspn(line, "\n");
	const char *text = memmem(line, line_len, "fhandle-bytes:", 14);
	int skip = 0;
	unsigned len, byte;
	size_t i;

	watch->handle_len = 0;
	if (!text)
		return 0;
	if (sscanf(text, "fhandle-bytes:%x fhandle-type:%" SCNx32 " f_handle:%n", &len,
		   (uint32_t *)&watch->handle_type, &skip) != 2 ||
	    skip == 0 || len > sizeof(watch->handle))
		return bad_line("file handle", line, err);
	text += skip;
	for (i = 0; i < len; i++) {
		if (!isxdigit(text[2 * i]) || !isxdigit(text[2 * i + 1]) ||
		    sscanf(text + 2 * i, "%2x", &byte) != 1)
			return bad_line("file handle", line, err);
		watch->handle[i] = (uint8_t)byte;
	}
	watch->handle_len = len;
	return 0;
}

int fdinfo_next_watch(const char **at, struct fdinfo_watch *watch, struct sn_err *err)
{
	const char *line = fdinfo_line(at, "inotify wd:");
	uint64_t dev;

	if (!line)
		return 0;
	if (sscanf(line, "%" SCNx32 " ino:%" SCNx64 " sdev:%" SCNx64 " mask:%" SCNx32,
		   (uint32_t *)&watch->wd, &watch->ino, &dev, &watch->mask) != 4)
		return bad_line("inotify watch", line, err);
	watch->dev = from_kernel_dev(dev);
	return parse_handle(line, watch, err) < 0 ? -1 : 1;
}
