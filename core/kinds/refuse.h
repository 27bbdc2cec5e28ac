/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no kind handles and a look at a process tells before anything is touched.
 *
 * Both say what it is in the error: "seccomp filter".
 */
#ifndef CORE_KINDS_REFUSE_H
#define CORE_KINDS_REFUSE_H

#include "core/base/err.h"

#include <sys/types.h>

/* `status`: /proc/PID/status of the leader. */
int kinds_refuse_status(const char *status, struct sn_err *err);

/* The program file of a process: 32-bit and x32 programs are not for us. */
int kinds_refuse_program(pid_t pid, struct sn_err *err);

#endif
