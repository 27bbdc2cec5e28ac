/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of /proc/PID/fdinfo/N: the lines the file kinds read.
 *
 * Lines of the form "name: number" are read with proc_field of core/task/proc.h; here is
 * what has more than one value. Pure: a text in, values out. A line that does not look as
 * the kernel writes it ends the walk with an error that shows the line.
 *
 * Source: proc_pid_fdinfo(5), Documentation/filesystems/proc.rst section 3.8.
 */
#ifndef CORE_KINDS_FDINFO_H
#define CORE_KINDS_FDINFO_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FDINFO_HANDLE_BYTES = 128 }; /* MAX_HANDLE_SZ of name_to_handle_at(2) */

/* "it_value: (seconds, nanoseconds)" in nanoseconds; false when there is no such line. */
bool fdinfo_timespec(const char *text, const char *name, uint64_t *ns);

/*
 * The next line that begins with `prefix`, from *at on (which begins as the text): what
 * follows the prefix, NULL at the end. *at moves behind the line.
 */
const char *fdinfo_line(const char **at, const char *prefix);

struct fdinfo_lock { /* lock:	1: POSIX  ADVISORY  WRITE 359 00:13:11691 10 14 */
	char type[8];    /* FLOCK, POSIX, OFDLCK, LEASE, ... */
	bool write;
	uint64_t start;
	uint64_t length; /* 0: to the end */
};

/* 1: *lock is the next one; 0: there are no more. */
int fdinfo_next_lock(const char **at, struct fdinfo_lock *lock, struct sn_err *err);

struct fdinfo_target { /* tfd:        7 events: 80000019 data: 2  pos:0 ino:b95f sdev:f */
	uint32_t fd;
	uint32_t events;
	uint64_t data;
	uint64_t ino;
	uint64_t dev; /* as stat(2) gives it */
};

int fdinfo_next_target(const char **at, struct fdinfo_target *target, struct sn_err *err);

struct fdinfo_watch { /* inotify wd:2 ino:13 sdev:fe00000 mask:fff ignored_mask:0 fhandle-... */
	int32_t wd;
	uint64_t ino;
	uint64_t dev;
	uint32_t mask;
	int32_t handle_type;
	size_t handle_len; /* 0: the kernel does not say */
	uint8_t handle[FDINFO_HANDLE_BYTES];
};

int fdinfo_next_watch(const char **at, struct fdinfo_watch *watch, struct sn_err *err);

#endif
