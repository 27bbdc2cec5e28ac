/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mappings, mmap(2): what is where, with which protection and advice. Their contents are
 * core/mem's; those of shared memory core/kinds/object.c's.
 *
 * In a plan an address of the living task is kept where both models agree on what is
 * mapped there; everything else is unmapped, and what is wanted there is mapped anew.
 */
#ifndef CORE_KINDS_MAPPING_H
#define CORE_KINDS_MAPPING_H

#include "core/kinds/kind.h"

extern const struct kind kind_mappings;

/* The kind's `ask`: all mappings of a frozen task but our window. */
int mapping_read(struct reading *r, void *message, struct sn_err *err);

/*
 * Fills mappings of a model with what a tracker asks for - where they are, private or shared, a
 * file's or not - from /proc/PID/maps of a process that may run.
 */
int mapping_sketch(Sn__Task *model, pid_t pid, struct sn_err *err);

/* Whether the task's own pages of it are saved with the task: private memory. */
bool mapping_is_private(const Sn__Mapping *mapping);

/* The flag of two letters, as in VmFlags of proc_pid_smaps(5). */
bool mapping_has_flag(const Sn__Mapping *mapping, const char *flag);

/* Whether one could stay for the other by the way it is mapped, whatever is mapped. */
bool mapping_same_marks(const Sn__Mapping *have, const Sn__Mapping *want);

/* With which protection memory is mapped and filled: what was writable once is mapped so, or it
 * would not be accounted and would merge with other neighbours than the original. */
uint64_t mapping_fill_prot(const Sn__Mapping *want);

/* Whether both models have the same memory at the addresses [start, end), so that nothing
 * needs to be mapped: private mappings may still differ in contents. */
const Sn__Mapping *mapping_kept_at(const struct plan *plan, const Sn__Task *have,
				   const Sn__Mapping *want, uint64_t addr, uint64_t *end);

/* Free addresses in both tasks (either may be NULL), `len` bytes, above the first 8 GiB;
 * 0 when there are none. */
uint64_t mapping_hole(const struct proc_maps *have, const Sn__Task *want, uint64_t len);

#endif
