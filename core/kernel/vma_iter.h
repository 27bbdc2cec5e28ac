/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mappings of a process with their flags, out of the kernel's list of them: a BPF iterator. It
 * takes a tenth of a millisecond, whatever is resident; /proc/PID/smaps tells the same, but looks
 * at every page (55 ms a GiB), while the process waits in mmap(2), munmap(2) and brk(2).
 *
 * Needs root (CAP_BPF and CAP_PERFMON), the kernel's own type information and Linux 6.1.
 *
 * Source: Documentation/bpf/bpf_iterators.rst, Documentation/bpf/btf.rst, bpf(2)
 */
#ifndef CORE_KERNEL_VMA_ITER_H
#define CORE_KERNEL_VMA_ITER_H

#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct vma_iter;

struct vma_row {
	uint64_t start, end;
	uint64_t flags;	 /* VM_* of the kernel's include/linux/mm.h */
	uint64_t offset; /* bytes into the file; 0 without one */
};

/* Reads the kernel's types (50 ms) and loads the program. */
int vma_iter_open(struct vma_iter **made, struct sn_err *err);
void vma_iter_close(struct vma_iter *iter); /* NULL is fine */

/* *rows, the caller's to free, in the order of addresses. None: it has ended. */
int vma_iter_read(const struct vma_iter *iter, pid_t pid, struct vma_row **rows, size_t *count,
		  struct sn_err *err);

#endif
