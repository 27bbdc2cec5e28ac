/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the probes of one feature each share. Internal to core/kernel.
 *
 * A probe runs in the probing child (caps.c): it may change the process it is in,
 * but allocates nothing, for that child may be the copy of a process with
 * threads. It returns what it found through probe_yes or probe_no, whose text is
 * what a person reads. It closes what it opened.
 *
 * The subject is a child of the probing child that sleeps. It was made while
 * page[0] held PROBE_MARK and still holds that; it alone has the writing end of a
 * pipe, as descriptor number `pipe_write`, whose reading end both have.
 */
#ifndef CORE_KERNEL_PROBE_H
#define CORE_KERNEL_PROBE_H

#include "core/base/pagemap.h"
#include "core/kernel/caps.h"
#include "core/task/probe_ptrace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	PROBE_MARK = 0x5a,
};

enum probe_kin {
	PROBE_SUBJECT,
	PROBE_HELPER,
	PROBE_KIN_MAX,
};

struct feature;

struct probe {
	struct kernel_caps *caps; /* in memory shared with the caller */
	const struct feature *feature; /* the row at work */
	char *detail; /* its text */
	pid_t *kin; /* PROBE_KIN_MAX pids, shared too; 0: none */
	volatile uint8_t *page; /* two pages: private, and private read-only */
	int pipe_read; /* -1: none */
	int pipe_write; /* a number in the subject, not ours */
	struct probe_ptrace trace;
	bool traced; /* trace is filled */
};

typedef bool probe_fn(struct probe *p);

/* One row of the table in caps.c. */
struct feature {
	const char *name;
	size_t offset; /* of the bool in struct kernel_caps */
	probe_fn *probe;
	int capability; /* of probe_capability */
	const char *cost;
};

/* The two ends of every probe: the text, and true or false. */
bool probe_yes(struct probe *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool probe_no(struct probe *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "text: strerror(errno)". */
bool probe_no_sys(struct probe *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Maps zeroed private pages. NULL with errno. The child's end unmaps what was not. */
volatile uint8_t *probe_pages(size_t pages);

/* Starts a child that runs `run` and ends with its result. -1 with errno. */
pid_t probe_start(struct probe *p, enum probe_kin kin, int (*run)(struct probe *p));
/* Waits for its end: its exit status, or -1 when a signal ended it. */
int probe_wait(struct probe *p, enum probe_kin kin);
pid_t probe_subject(const struct probe *p); /* 0: it could not be made */

/* Reads a small file whole, NUL-terminated; -1 with errno. */
ssize_t probe_read(const char *path, char *text, size_t size);
/* A number in a file; `missing` when there is none. */
long probe_read_number(const char *path, long missing);

/* A scan of [mem, mem + bytes): pages in the result, -1 with errno. */
long probe_scan(int pagemap, volatile void *mem, size_t bytes, uint64_t flags, uint64_t all_of,
		uint64_t any_of);

/* probe_track.c */
probe_fn probe_pagemap, probe_soft_dirty, probe_pagemap_scan, probe_pagemap_scan_soft_dirty;
probe_fn probe_userfaultfd, probe_uffd_wp_async, probe_uffd_wp_unpopulated;
probe_fn probe_pagemap_scan_holes, probe_fork_seen, probe_shmem_times;
probe_fn probe_uffd_wp_hugetlbfs_shmem, probe_uffd_copy, probe_uffd_kernel_faults;

/* probe_task.c */
probe_fn probe_ptrace_child, probe_ptrace_unrelated, probe_rseq, probe_xstate;
probe_fn probe_proc_mem_force, probe_process_vm_readv, probe_pidfd_open, probe_pidfd_getfd;
probe_fn probe_kcmp, probe_proc_children, probe_sock_diag;

/* probe_memory.c */
probe_fn probe_procmap_query, probe_map_files, probe_anon_vma_name, probe_memfd;
probe_fn probe_memfd_noexec, probe_guard_regions, probe_huge_pages, probe_hugetlb;

/* probe_rebuild.c */
probe_fn probe_clone3, probe_clone3_set_tid, probe_mm_map, probe_mm_map_exe;
probe_fn probe_timer_restore_ids, probe_proc_timers;

/* probe_machine.c */
probe_fn probe_amx, probe_shadow_stack, probe_capability;
/* Fills cap_effective and cap_permitted; uses libcap, so not in the child. */
int probe_capabilities(struct kernel_caps *caps, struct sn_err *err);

#endif
