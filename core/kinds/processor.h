/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program has told the kernel about the processor: two kinds.
 *
 * processor_use, of the process: the parts of the processor state it asked permission for
 * (arch_prctl(2), ARCH_REQ_XCOMP_PERM: AMX tiles). A permission is never taken back, so a
 * living process that has more than the image keeps it. In the table before the signal stacks:
 * the kernel refuses the permission when a stack is too small for the larger frames.
 *
 * processor_control, of each thread: speculation mitigations, and whether rdtsc and cpuid
 * fault (prctl(2), arch_prctl(2)).
 */
#ifndef CORE_KINDS_PROCESSOR_H
#define CORE_KINDS_PROCESSOR_H

#include "core/kinds/kind.h"

extern const struct kind kind_processor_use;
extern const struct kind kind_processor_control;

#endif
