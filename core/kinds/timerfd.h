/* SPDX-License-Identifier: Apache-2.0 */
/* Timers as descriptors, timerfd_create(2). */
#ifndef CORE_KINDS_TIMERFD_H
#define CORE_KINDS_TIMERFD_H

#include "core/kinds/kind.h"

extern const struct kind kind_timerfd;

#endif
