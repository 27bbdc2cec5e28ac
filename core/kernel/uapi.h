/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers and layouts of the kernel's interface that the headers of Debian 12
 * (Linux 6.1) do not have yet. Each is guarded, so newer headers win; the system
 * headers that may define them are included here first, for a guard only sees
 * what came before it.
 *
 * That a name is defined here says nothing of the running kernel: ask
 * core/kernel/caps.h.
 *
 * <linux/fs.h> does not agree with glibc's <sys/mount.h>: a file that includes
 * this one cannot include that one (use the raw system call there).
 * The requests of ptrace are all in glibc's <sys/ptrace.h>, with struct
 * __ptrace_rseq_configuration; nothing of it is repeated here.
 *
 * Sources are named at each group; "uapi" is include/uapi of the kernel.
 */
#ifndef CORE_KERNEL_UAPI_H
#define CORE_KERNEL_UAPI_H

#include <asm/prctl.h>
#include <elf.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/ioctl.h>
#include <linux/memfd.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <linux/userfaultfd.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* ---- PAGEMAP_SCAN, on /proc/PID/pagemap: ioctl_pagemap_scan(2), Linux 6.7 ---- */

#ifndef PAGEMAP_SCAN
#define PAGEMAP_SCAN _IOWR('f', 16, struct pm_scan_arg)

#define PAGE_IS_WPALLOWED (1 << 0) /* asynchronous write protection is on */
#define PAGE_IS_WRITTEN (1 << 1) /* since it was protected, or never protected */
#define PAGE_IS_FILE (1 << 2)
#define PAGE_IS_PRESENT (1 << 3)
#define PAGE_IS_SWAPPED (1 << 4)
#define PAGE_IS_PFNZERO (1 << 5)
#define PAGE_IS_HUGE (1 << 6)

#define PM_SCAN_WP_MATCHING (1 << 0) /* protect what is reported */
#define PM_SCAN_CHECK_WPASYNC (1 << 1) /* EPERM at a range that is not registered */

struct page_region {
	__u64 start;
	__u64 end; /* exclusive */
	__u64 categories;
};

struct pm_scan_arg {
	__u64 size; /* of this struct */
	__u64 flags;
	__u64 start;
	__u64 end;
	__u64 walk_end; /* out: where the scan stopped; < end when vec was full */
	__u64 vec; /* struct page_region *, may be 0 */
	__u64 vec_len; /* entries */
	__u64 max_pages; /* 0: no limit */
	__u64 category_inverted;
	__u64 category_mask; /* all of these, and */
	__u64 category_anyof_mask; /* any of these */
	__u64 return_mask;
};
#endif

#ifndef PAGE_IS_SOFT_DIRTY
#define PAGE_IS_SOFT_DIRTY (1 << 7) /* uapi/linux/fs.h, Linux 6.8 */
#endif
#ifndef PAGE_IS_GUARD
#define PAGE_IS_GUARD (1 << 8) /* MADV_GUARD_INSTALL; uapi/linux/fs.h, Linux 6.15 */
#endif

/* ---- PROCMAP_QUERY, on /proc/PID/maps: uapi/linux/fs.h, Linux 6.11 ---- */

#ifndef PROCMAP_QUERY
#define PROCMAP_QUERY _IOWR('f', 17, struct procmap_query)

enum procmap_query_flags {
	PROCMAP_QUERY_VMA_READABLE = 0x01,
	PROCMAP_QUERY_VMA_WRITABLE = 0x02,
	PROCMAP_QUERY_VMA_EXECUTABLE = 0x04,
	PROCMAP_QUERY_VMA_SHARED = 0x08,
	PROCMAP_QUERY_COVERING_OR_NEXT_VMA = 0x10,
	PROCMAP_QUERY_FILE_BACKED_VMA = 0x20,
};

struct procmap_query {
	__u64 size; /* of this struct */
	__u64 query_flags;
	__u64 query_addr;
	__u64 vma_start;
	__u64 vma_end;
	__u64 vma_flags;
	__u64 vma_page_size;
	__u64 vma_offset;
	__u64 inode;
	__u32 dev_major;
	__u32 dev_minor;
	__u32 vma_name_size; /* in: room; out: bytes with the NUL, 0 without a name */
	__u32 build_id_size; /* in: room; out: bytes */
	__u64 vma_name_addr;
	__u64 build_id_addr;
};
#endif

/* ---- userfaultfd: ioctl_userfaultfd(2), uapi/linux/userfaultfd.h ---- */

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1 /* Linux 5.11 */
#endif
#ifndef UFFD_FEATURE_WP_HUGETLBFS_SHMEM
#define UFFD_FEATURE_WP_HUGETLBFS_SHMEM (1 << 12) /* Linux 5.19 */
#endif
#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED (1 << 13) /* Linux 6.4 */
#endif
#ifndef UFFD_FEATURE_POISON
#define UFFD_FEATURE_POISON (1 << 14) /* Linux 6.6 */
#endif
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15) /* Linux 6.7 */
#endif
#ifndef UFFD_FEATURE_MOVE
#define UFFD_FEATURE_MOVE (1 << 16) /* Linux 6.8 */
#endif
#ifndef UFFDIO_CONTINUE_MODE_WP
#define UFFDIO_CONTINUE_MODE_WP ((__u64)1 << 1) /* Linux 6.4 */
#endif

/* ---- system calls: arch/x86/entry/syscalls/syscall_64.tbl ---- */

#ifndef SYS_clone3
#define SYS_clone3 435 /* struct clone_args is in <linux/sched.h> */
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef SYS_set_mempolicy_home_node
#define SYS_set_mempolicy_home_node 450
#endif
#ifndef SYS_cachestat
#define SYS_cachestat 451 /* Linux 6.5 */
#endif
#ifndef SYS_map_shadow_stack
#define SYS_map_shadow_stack 453 /* Linux 6.6 */
#endif
#ifndef SYS_mseal
#define SYS_mseal 462 /* Linux 6.10 */
#endif

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL /* pidfd_open(2) of one thread, Linux 6.9 */
#endif
#ifndef F_DUPFD_QUERY
#define F_DUPFD_QUERY (1024 + 3) /* same open file? uapi/linux/fcntl.h, Linux 6.10 */
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

/* ---- madvise(2), mmap(2), memfd_create(2) ---- */

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24 /* Linux 5.18 */
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13; of files since 6.15 */
#endif
#ifndef MADV_GUARD_REMOVE
#define MADV_GUARD_REMOVE 103
#endif
#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08 /* Linux 6.11 */
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3 */
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020 /* Linux 6.3 */
#endif

/* ---- prctl(2): uapi/linux/prctl.h ---- */

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41 /* Linux 5.17 */
#define PR_SET_VMA_ANON_NAME 0
#endif
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65 /* Linux 6.3 */
#define PR_MDWE_REFUSE_EXEC_GAIN (1UL << 0)
#define PR_GET_MDWE 66
#endif
#ifndef PR_MDWE_NO_INHERIT
#define PR_MDWE_NO_INHERIT (1UL << 1) /* Linux 6.6 */
#endif
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67 /* Linux 6.4 */
#define PR_GET_MEMORY_MERGE 68
#endif
#ifndef PR_GET_AUXV
#define PR_GET_AUXV 0x41555856 /* Linux 6.4 */
#endif
#ifndef PR_TIMER_CREATE_RESTORE_IDS
#define PR_TIMER_CREATE_RESTORE_IDS 77 /* commit ec2d0c04624b, March 2025 */
#define PR_TIMER_CREATE_RESTORE_IDS_OFF 0
#define PR_TIMER_CREATE_RESTORE_IDS_ON 1
#define PR_TIMER_CREATE_RESTORE_IDS_GET 2
#endif

/* ---- arch_prctl(2) on x86: arch/x86/include/uapi/asm/prctl.h ---- */

#ifndef ARCH_GET_XCOMP_SUPP
#define ARCH_GET_XCOMP_SUPP 0x1021 /* Linux 5.16; Documentation/arch/x86/xstate.rst */
#define ARCH_GET_XCOMP_PERM 0x1022
#define ARCH_REQ_XCOMP_PERM 0x1023
#endif
#ifndef ARCH_SHSTK_ENABLE
#define ARCH_SHSTK_ENABLE 0x5001 /* Linux 6.6; Documentation/arch/x86/shstk.rst */
#define ARCH_SHSTK_DISABLE 0x5002
#define ARCH_SHSTK_LOCK 0x5003
#define ARCH_SHSTK_UNLOCK 0x5004 /* by a tracer only */
#define ARCH_SHSTK_STATUS 0x5005
#define ARCH_SHSTK_SHSTK (1ULL << 0)
#define ARCH_SHSTK_WRSS (1ULL << 1)
#endif
#ifndef NT_X86_SHSTK
#define NT_X86_SHSTK 0x204 /* uapi/linux/elf.h, Linux 6.6 */
#endif

/* ---- the auxiliary vector: getauxval(3), uapi/linux/auxvec.h ---- */

#ifndef AT_RSEQ_FEATURE_SIZE
#define AT_RSEQ_FEATURE_SIZE 27 /* Linux 6.3 */
#define AT_RSEQ_ALIGN 28
#endif
#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

#endif
