/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registration of a restartable sequence, rseq(2): the address the kernel keeps the
 * thread's processor number at.
 *
 * The kernel writes there whenever it likes, and kills the thread when it cannot. So what is
 * registered but not wanted is unregistered in STAGE_RELEASE, before its memory is unmapped or
 * overwritten; what is wanted is registered when its memory and its thread are there. In a
 * blank process that is done even where both have the same address: it has no memory in between.
 */
#ifndef CORE_KINDS_RSEQ_H
#define CORE_KINDS_RSEQ_H

#include "core/kinds/kind.h"

extern const struct kind kind_rseq;

#endif
