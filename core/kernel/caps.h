/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the running kernel, this processor and this user can do: one record,
 * filled once, read-only from then on.
 *
 *	struct kernel_caps caps;
 *
 *	if (kernel_probe(&caps, err) < 0)
 *		return -1;
 *	if (caps.uffd_wp_async && caps.pidfd_getfd) ...
 *
 * Each answer comes from doing the thing on a small scale and looking at the
 * result, never from comparing versions: distributions carry features back, leave
 * them out of the configuration, and containers and security modules forbid them.
 * An answer of true means "it worked just now, for this user, on a process of our
 * own"; another target may still say no.
 *
 * The doing happens in a child process, with all signals blocked and a time
 * limit. A probe that dies (a seccomp filter that kills, say) is an absence with
 * that as its reason; the others go on. The child sends no SIGCHLD, is waited
 * for, and nothing of the caller is changed. It costs a few milliseconds.
 *
 * To add a feature: a bool here, a probe function in one of the probe_*.c files,
 * one line in the table of caps.c. doc/kernel.md holds the facts behind each.
 */
#ifndef CORE_KERNEL_CAPS_H
#define CORE_KERNEL_CAPS_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	KERNEL_CAPS_MAX = 64, /* room for rows; the table has fewer */
	KERNEL_CAP_DETAIL_BYTES = 120,
};

struct kernel_caps {
	/* Finding changed pages. */
	bool pagemap; /* /proc/PID/pagemap tells present pages */
	bool soft_dirty; /* clear_refs and bit 55 */
	bool pagemap_scan; /* PAGEMAP_SCAN */
	bool pagemap_scan_soft_dirty; /* its soft-dirty category, and the bit behind it */
	bool userfaultfd; /* with UFFD_USER_MODE_ONLY */
	bool uffd_wp_async; /* tracked in private memory, the kernel's writes too */
	bool uffd_wp_unpopulated; /* tracked where no page is yet */
	bool pagemap_scan_holes; /* written pages that it tells of may have no page table */
	bool uffd_wp_hugetlbfs_shmem; /* tracked in shared memory */
	bool fork_seen; /* reading memory by process_vm_readv tells of a fork since the last time */
	bool shmem_times; /* removing pages of shared memory sets its mtime */
	bool uffd_copy; /* UFFDIO_COPY with UFFDIO_COPY_MODE_WP */
	bool uffd_kernel_faults; /* userfaultfd without UFFD_USER_MODE_ONLY */

	/* Stopping and reading a process. */
	bool ptrace; /* seize, interrupt, registers, of a child of ours */
	bool ptrace_unrelated; /* of a process that is not our descendant */
	bool rseq; /* PTRACE_GET_RSEQ_CONFIGURATION */
	bool xstate; /* NT_X86_XSTATE: xstate_bytes */
	bool proc_mem_force; /* a tracer writes read-only pages by /proc/PID/mem */
	bool process_vm_readv; /* and process_vm_writev */
	bool pidfd_open;
	bool pidfd_getfd;
	bool kcmp; /* KCMP_FILE */
	bool proc_children; /* /proc/PID/task/TID/children */
	bool proc_timers; /* /proc/PID/timers */
	bool procmap_query; /* PROCMAP_QUERY */
	bool map_files; /* opening what /proc/PID/map_files names */
	bool sock_diag; /* unix sockets and their peers by NETLINK_SOCK_DIAG */

	/* Rebuilding one. */
	bool clone3;
	bool clone3_set_tid;
	bool mm_map; /* PR_SET_MM_MAP: mm_map_bytes */
	bool mm_map_exe; /* with an exe_fd */
	bool timer_restore_ids; /* PR_TIMER_CREATE_RESTORE_IDS */
	bool anon_vma_name; /* PR_SET_VMA_ANON_NAME */
	bool memfd; /* with seals */
	bool memfd_noexec; /* MFD_NOEXEC_SEAL */
	bool guard_regions; /* MADV_GUARD_INSTALL */
	bool huge_pages; /* transparent ones, on request at least */
	bool hugetlb; /* MAP_HUGETLB: there is a pool with free pages */

	/* The processor. */
	bool amx; /* tiles may be used */
	bool shadow_stack; /* user shadow stacks */

	/* Effective capabilities, capabilities(7). */
	bool cap_sys_ptrace;
	bool cap_checkpoint_restore;
	bool cap_sys_admin;
	bool cap_sys_resource;
	bool cap_sys_nice;
	bool cap_kill;
	bool cap_setuid;
	bool cap_setgid;
	bool cap_setpcap;
	bool cap_net_admin;
	bool cap_net_raw;
	bool cap_dac_override;
	bool cap_ipc_lock;
	bool cap_sys_chroot;

	/* Figures that come with them. */
	uint64_t uffd_features; /* all that UFFDIO_API offers */
	uint64_t xcr0; /* xgetbv(0): what of xstate the system has switched on */
	size_t xstate_bytes; /* of the NT_X86_XSTATE regset; 0 unknown */
	size_t mm_map_bytes; /* PR_SET_MM_MAP_SIZE; 0 unknown */
	int yama_ptrace_scope; /* sysctl kernel.yama.ptrace_scope; -1 there is none */
	int unprivileged_userfaultfd; /* sysctl vm.unprivileged_userfaultfd; -1 there is none */
	uint64_t cap_effective; /* bit n: capability n */
	uint64_t cap_permitted;

	/* For kernel_caps_list: what was seen, a text for each row. */
	char detail[KERNEL_CAPS_MAX][KERNEL_CAP_DETAIL_BYTES];
};

/* One row for a person (`snapsh check`) or a machine. */
struct kernel_cap {
	const char *name; /* of the bool above, as it is spelled there */
	bool present;
	const char *detail; /* what was seen, or why not; points into the record */
	const char *cost; /* what its absence costs the user of snapsh */
};

/*
 * Fills *caps. What is absent is no failure; it fails only where no child could
 * be made or waited for.
 */
int kernel_probe(struct kernel_caps *caps, struct sn_err *err);

/* Writes at most `max` rows, in the table's order; returns how many there are
 * (never more than KERNEL_CAPS_MAX). */
size_t kernel_caps_list(const struct kernel_caps *caps, struct kernel_cap *rows, size_t max);

/* The detail of one row by its name, for an error's text: "soft_dirty: the bit
 * stays clear". NULL for a name that is not in the table. */
const char *kernel_caps_detail(const struct kernel_caps *caps, const char *name);

#endif
