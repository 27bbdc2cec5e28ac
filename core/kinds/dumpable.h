/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others may do with the process' memory, and what becomes of it: whether it can be dumped
 * and traced (PR_SET_DUMPABLE), what goes into a core file, whether it adopts orphans
 * (PR_SET_CHILD_SUBREAPER), has transparent huge pages and same-page merging.
 *
 * Dumpable 2 ("root may", what a set-user-ID program has with fs.suid_dumpable 2) cannot be
 * asked for: such a process is made 0 again, which says no to everybody else as 2 does, and the
 * person is told. A change of credentials resets dumpable, so it is set again after one:
 * in the table the last of STAGE_SECURITY.
 */
#ifndef CORE_KINDS_DUMPABLE_H
#define CORE_KINDS_DUMPABLE_H

#include "core/kinds/kind.h"

extern const struct kind kind_dumpable;

#endif
