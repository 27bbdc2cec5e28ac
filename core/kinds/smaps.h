/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc/PID/smaps adds to /proc/PID/maps: the flags of each mapping. Reading it walks
 * the page tables (milliseconds a GiB), so it is read while the process runs and
 * trusted while frozen for every mapping that has not changed since.
 *
 * Source: proc_pid_smaps(5), VmFlags.
 */
#ifndef CORE_KINDS_SMAPS_H
#define CORE_KINDS_SMAPS_H

#include "core/base/err.h"
#include "core/task/proc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct smaps_entry {
	uint64_t start, end;
	uint64_t offset;
	char perms[5];    /* "rw-p" */
	char flags[48];   /* those of SMAPS_KEPT, in its order, separated by blanks */
	bool may_write;   /* "mw": mprotect(2) may allow writing */
};

struct smaps {
	struct smaps_entry *entries;
	size_t len;
};

int smaps_read(pid_t pid, struct smaps *smaps, struct sn_err *err);
void smaps_release(struct smaps *smaps);

/* The entry of exactly this mapping, NULL: it was another one. */
const struct smaps_entry *smaps_find(const struct smaps *smaps, const struct proc_map *map);

#endif
