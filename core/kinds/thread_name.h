/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name of a thread, PR_SET_NAME of prctl(2); that of the leader is what ps(1) shows.
 */
#ifndef CORE_KINDS_THREAD_NAME_H
#define CORE_KINDS_THREAD_NAME_H

#include "core/kinds/kind.h"

extern const struct kind kind_thread_name;

#endif
