/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading /proc/PID: whole files, and the few that every part needs parsed.
 *
 * Sources: proc_pid_stat(5), proc_pid_status(5), proc_pid_maps(5).
 */
#ifndef CORE_TASK_PROC_H
#define CORE_TASK_PROC_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Opens /proc/PID/name. A descriptor, or -1. */
int proc_open(pid_t pid, const char *name, int flags, struct sn_err *err);

/* The whole file, NUL-terminated, malloc'd; *len (may be NULL) without the NUL. */
char *proc_read(pid_t pid, const char *name, size_t *len, struct sn_err *err);

/* What a link such as "exe" or "fd/3" points to, in buf. */
int proc_readlink(pid_t pid, const char *name, char *buf, size_t size, struct sn_err *err);

struct proc_stat {
	char state;
	bool exiting;         /* on its last way in the kernel: it stops nowhere any more */
	pid_t ppid, pgid, sid;
	uint64_t start_ticks; /* since boot: tells a reused pid */
	uint64_t start_code, end_code, start_stack;
	uint64_t start_data, end_data, start_brk;
	uint64_t arg_start, arg_end, env_start, env_end;
};

int proc_stat(pid_t pid, struct proc_stat *stat, struct sn_err *err);
/* A process or thread that is gone, dead and not yet waited for, or exiting. */
bool proc_ending(pid_t pid);

/* The value of one line of a text such as /proc/PID/status ("SigCgt"), read in the
 * given base; false when there is no such line. */
bool proc_field(const char *text, const char *name, int base, uint64_t *value);

struct proc_map {
	uint64_t start, end, offset;
	uint64_t dev, ino;
	int prot;       /* PROT_* */
	bool shared;
	char *path;     /* "" for none; as the kernel prints it, escapes undone */
};

struct proc_maps {
	char *text;     /* what the paths point into */
	struct proc_map *maps;
	size_t len;
};

int proc_maps(pid_t pid, struct proc_maps *maps, struct sn_err *err);
void proc_maps_release(struct proc_maps *maps);

/* Thread ids of a process, ascending, malloc'd. */
int proc_tids(pid_t pid, pid_t **tids, size_t *count, struct sn_err *err);

/* One line that says who a pid is: "4711 (redis-server)". */
const char *proc_who(pid_t pid, char *buf, size_t size);

#endif
