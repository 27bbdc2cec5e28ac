/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log of bounded size: the end of what was written to it.
 *
 * Past twice CONSOLE_LOG_KEEP its beginning is cut off in place, so that the lock on
 * the file (one console writes at a time) stays the lock.
 */
#ifndef SHELL_CONSOLE_LOG_H
#define SHELL_CONSOLE_LOG_H

#include "core/base/err.h"

#include <stddef.h>
#include <sys/types.h>

enum { CONSOLE_LOG_KEEP = 256 << 10 };

struct console_log {
	int fd;
	off_t size;
	off_t since; /* where this life begins */
};

/* Waits some seconds for a former writer, whose readers may be slow, to end. */
int console_log_open(struct console_log *log, int dir, const char *name, struct sn_err *err);
void console_log_close(struct console_log *log);

/* A log that cannot be written loses what it was given: there is nobody to tell. */
void console_log_add(struct console_log *log, const char *bytes, size_t len);

/* What of this life is still there, malloc'd. */
char *console_log_read(const struct console_log *log, size_t *len);

#endif
