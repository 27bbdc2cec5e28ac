/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pending signals: two kinds, the queue that all threads of a process share and the queue of
 * each thread. PTRACE_PEEKSIGINFO shows them without taking any; they are put back with
 * their whole siginfo by the thread itself, to which alone the kernel allows siginfos that
 * say they come from the kernel (rt_sigqueueinfo(2)).
 *
 * On a living process what is pending now and was not then is taken out by rt_sigtimedwait
 * with no timeout. It takes from the thread's own queue and from the shared one, so changing
 * either means taking out of both and putting back what belongs to the other.
 *
 * What came since the living model was read stays: someone sent it to the process while it
 * was being changed. Except what timers sent, for the timers are set back too.
 *
 * Order in the table: after the signal actions (an action that becomes "ignore" empties
 * queues), before whatever arms timers.
 */
#ifndef CORE_KINDS_SIGNAL_QUEUE_H
#define CORE_KINDS_SIGNAL_QUEUE_H

#include "core/kinds/kind.h"

extern const struct kind kind_signal_queue;        /* Task.signal_queue */
extern const struct kind kind_thread_signal_queue; /* Thread.signal_queue */

/*
 * For the kinds of timers, between disarming and arming: takes out signals of timers that
 * fired since the process was frozen and are not in the wanted queue. Of the shared queue,
 * or of the queue of the thread at hand. Runs what is queued.
 */
int signal_queue_drop_timers(struct applying *a, bool shared, struct sn_err *err);

#endif
