/* SPDX-License-Identifier: Apache-2.0 */
/* Event counters, eventfd(2). */
#ifndef CORE_KINDS_EVENTFD_H
#define CORE_KINDS_EVENTFD_H

#include "core/kinds/kind.h"

extern const struct kind kind_eventfd;

#endif
