/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interval timers, setitimer(2): what is armed, with the time that remains. In the table after
 * the signal queue, from which it takes what old timers sent meanwhile.
 */
#ifndef CORE_KINDS_INTERVAL_TIMERS_H
#define CORE_KINDS_INTERVAL_TIMERS_H

#include "core/kinds/kind.h"

extern const struct kind kind_interval_timers;

#endif
