/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the kernel writes when a thread ends: the address it clears and wakes
 * (set_tid_address(2)), which pthread_join waits for, and the list of robust mutexes it holds
 * (set_robust_list(2)).
 */
#ifndef CORE_KINDS_THREAD_AREA_H
#define CORE_KINDS_THREAD_AREA_H

#include "core/kinds/kind.h"

extern const struct kind kind_thread_area;

#endif
