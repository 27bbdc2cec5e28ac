// SPDX-License-Identifier: Apache-2.0
#include "shell/console_log.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>

enum {
	LOCK_TRIES = 1200,
	LOCK_PAUSE_NS = 10000000,
};

int console_log_open(struct console_log *log, int dir, const char *name, struct sn_err *err)
{
	sn_auto_free char *file = sn_asprintf("%s.console", name);
	sn_auto_fd int fd = openat(dir, file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return sn_fail_sys(err, "open apps/%s", file);
	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK || i == LOCK_TRIES)
			return sn_fail_sys(err, "lock apps/%s", file);
		nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
	}
	log->size = log->since = lseek(fd, 0, SEEK_END);
	log->fd = sn_steal_fd(&fd);
	return 0;
}

void console_log_close(struct console_log *log)
{
	close(log->fd);
	log->fd = -1;
}

/* Moves the last CONSOLE_LOG_KEEP bytes to the front. */
static void cut_front(struct console_log *log)
{
	off_t cut = log->size - CONSOLE_LOG_KEEP;
	sn_auto_free char *kept = sn_malloc(CONSOLE_LOG_KEEP);

	if (pread(log->fd, kept, CONSOLE_LOG_KEEP, cut) != CONSOLE_LOG_KEEP ||
	    pwrite(log->fd, kept, CONSOLE_LOG_KEEP, 0) != CONSOLE_LOG_KEEP ||
	    ftruncate(log->fd, CONSOLE_LOG_KEEP) < 0)
		return;
	log->size = CONSOLE_LOG_KEEP;
	log->since = log->since > cut ? log->since - cut : 0;
}

void console_log_add(struct console_log *log, const char *bytes, size_t len)
{
	ssize_t n = pwrite(log->fd, bytes, len, log->size);

	if (n > 0)
		log->size += n;
	if (log->size > 2 * CONSOLE_LOG_KEEP)
		cut_front(log);
}

char *console_log_read(const struct console_log *log, size_t *len)
{
	size_t size = (size_t)(log->size - log->since);
	char *bytes = sn_malloc(size);
	ssize_t n = pread(log->fd, bytes, size, log->since);

	*len = n > 0 ? (size_t)n : 0;
	return bytes;
}
