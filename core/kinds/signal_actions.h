/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signal actions, sigaction(2): what the process does when a signal comes.
 *
 * The model has those that are not SIG_DFL. /proc/PID/status tells which these are, so only
 * they are asked; SIGCHLD besides, whose flags mean something with SIG_DFL too.
 *
 * In the table before the signal queues: an action that becomes "ignore" empties them.
 */
#ifndef CORE_KINDS_SIGNAL_ACTIONS_H
#define CORE_KINDS_SIGNAL_ACTIONS_H

#include "core/kinds/kind.h"

extern const struct kind kind_signal_actions;

#endif
