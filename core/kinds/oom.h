/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How likely the kernel ends this process when memory runs out: proc_pid_oom_score_adj(5).
 *
 * Written from outside: it works where the process sees no /proc, and a controller with
 * CAP_SYS_RESOURCE can lower it for a process that may not.
 */
#ifndef CORE_KINDS_OOM_H
#define CORE_KINDS_OOM_H

#include "core/kinds/kind.h"

extern const struct kind kind_oom;

#endif
