/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a process has forked since it was last frozen, and who else maps its shared memory.
 * Internal to core/track.
 *
 * fork(2) takes from each page of private memory that it is the parent's alone. The page does
 * not get that back when the child ends, only when it is written, or when somebody pins it for
 * reading, as process_vm_readv(2) does: for that the kernel first makes it exclusive, in a
 * fault that counts as the reader's. So some pages that the process has not written are read
 * whenever it stands still: a fault tells of a fork since the last time.
 *
 * What could make them exclusive unseen: a write (the tracker knows of it), being swapped out and
 * in (the kernel counts that), MADV_DONTFORK, MADV_WIPEONFORK (such mappings are not used).
 * vfork(2) and posix_spawn(3) are no forks here: the child is in the same memory.
 *
 * Source: mm/gup.c gup_must_unshare(), mm/memory.c do_wp_page() (FAULT_FLAG_UNSHARE), Linux 5.19.
 */
#ifndef CORE_TRACK_FORKS_H
#define CORE_TRACK_FORKS_H

#include "core/track/tracker.h"

enum { FORKS_PAGES = 16 };

struct forks {
	uint64_t pages[FORKS_PAGES]; /* their addresses: not written since they were last read */
	size_t count;		     /* 0: nothing is known, and a fork is assumed */
	uint64_t swapped;	     /* pages the machine had swapped out by then */
};

/* Forgets pages that a scan calls written or no longer there. */
void forks_strike(struct forks *forks, uint32_t space, const struct tracked *found);

/* The process is frozen: whether it may have forked since forks_begin. */
bool forks_happened(struct forks *forks, pid_t pid);

/* The process is frozen: from now on. `pages`: protected pages of its private memory, of which
 * some that lie in the model's mappings are chosen. */
void forks_begin(struct forks *forks, pid_t pid, int pagemap_fd, const Sn__Task *model,
		 const struct pagemap *pages);

/* Shared memory, by its inode. */
struct user_of {
	uint64_t dev, ino;
	uint64_t ours; /* where we map it ourselves, which does not count; 0: nowhere */
	bool used;     /* out: by another process */
};

/* One pass over all processes but `pid`, which may run, from the lowest on: a child that
 * one of them makes meanwhile is met later. False: somebody may have been missed. */
bool forks_find_users(pid_t pid, struct user_of *objects, size_t count);

#endif
