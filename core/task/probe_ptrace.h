/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the kernel's probes that needs ptrace(2), for core/kernel: which
 * lives here because ptrace lives only in core/task.
 */
#ifndef CORE_TASK_PROBE_PTRACE_H
#define CORE_TASK_PROBE_PTRACE_H

#include <stddef.h>
#include <sys/types.h>

/* Of each, 0 or the errno of what failed. */
struct probe_ptrace {
	int stop; /* seize, interrupt, wait, read the registers, detach */
	int rseq; /* PTRACE_GET_RSEQ_CONFIGURATION */
	int xstate; /* NT_X86_XSTATE */
	size_t xstate_bytes;
	int force_write; /* a read-only page by /proc/PID/mem; EIO: it did not arrive */
};

/*
 * Tries them on a sleeping child, which sleeps on afterwards; `readonly` is the
 * address of a read-only private page it has, of which the first byte is written.
 * Allocates nothing. When the stop fails the rest have that errno too.
 */
void probe_ptrace(pid_t pid, volatile void *readonly, struct probe_ptrace *result);

#endif
