/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX timers, timer_create(2).
 *
 * /proc/PID/timers (CONFIG_CHECKPOINT_RESTORE) tells which there are and how they notify, the
 * process itself what remains of each. A program knows its timers by their numbers, which the
 * kernel counts up and never gives twice: a missing one is made with its number through
 * PR_TIMER_CREATE_RESTORE_IDS, on older kernels by making and deleting up to it. There a timer
 * that a living process has deleted cannot come back, and the correction says so.
 *
 * The remaining time is relative, so a deadline of the wall clock moves by the time in between.
 * A timer's overrun count cannot be set; what it was is told.
 *
 * In STAGE_THREAD, for a timer may notify a thread, and last in it, for timers begin to run.
 * In the table after the signal queues, which it empties of what old timers sent meanwhile.
 */
#ifndef CORE_KINDS_POSIX_TIMERS_H
#define CORE_KINDS_POSIX_TIMERS_H

#include "core/kinds/kind.h"

extern const struct kind kind_posix_timers;

#endif
