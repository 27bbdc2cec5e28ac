/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signal actions, sigaction(2): what the process does when a signal comes.
 *
 * The model has those that are not SIG_DFL with no flags. /proc/PID/status does not tell the
 * latter (SIGCHLD's SA_NOCLDWAIT means something with SIG_DFL too), so all are asked.
 *
 * In the table before the signal queues: an action that becomes "ignore" empties them.
 */
#ifndef CORE_KINDS_SIGNAL_ACTIONS_H
#define CORE_KINDS_SIGNAL_ACTIONS_H

#include "core/kinds/kind.h"

extern const struct kind kind_signal_actions;

#endif
