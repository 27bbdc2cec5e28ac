/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc/PID/smaps adds to /proc/PID/maps: the flags of each mapping. It is read while the
 * process runs, and trusted while frozen for every mapping that has not changed since; else it is
 * read again.
 *
 * smaps looks at every page that is there, so of a large process the flags are read by core/kernel/
 * vma_iter.h where that works.
 *
 * Source: proc_pid_smaps(5), VmFlags.
 */
#ifndef CORE_KINDS_SMAPS_H
#define CORE_KINDS_SMAPS_H

#include "core/base/err.h"
#include "core/kernel/vma_iter.h"
#include "core/task/proc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct smaps_entry {
	uint64_t start, end;
	uint64_t offset;
	char perms[5];	/* "rw-p" */
	char flags[48]; /* those of the table in smaps.c, in its order, separated by blanks */
	bool may_write; /* "mw": mprotect(2) may allow writing */
};

/* Where flags are read from: {0} is smaps. One for all readings of a process's life. */
struct smaps_source {
	struct vma_iter *iter; /* NULL: smaps */
	bool tried;
};

/* Chooses for a process of this size. May take 50 ms, once: not while it is frozen. */
void smaps_source_choose(struct smaps_source *source, pid_t pid);
void smaps_source_close(struct smaps_source *source);

struct smaps {
	struct smaps_entry *entries;
	size_t len;
	const struct smaps_source *source;
};

int smaps_read(const struct smaps_source *source, pid_t pid, struct smaps *smaps,
	       struct sn_err *err);
void smaps_release(struct smaps *smaps);

/* The entry of exactly this mapping, NULL: it was another one. */
const struct smaps_entry *smaps_find(const struct smaps *smaps, const struct proc_map *map);

#endif
