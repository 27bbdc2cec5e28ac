/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials of a thread: user and group ids, capability sets, securebits, no_new_privs;
 * credentials(7), capabilities(7).
 *
 * Set by the thread itself with the plain system calls, which change one thread alone. The
 * order is such that nothing takes away what a later call needs:
 *
 *	effective = permitted          what it may, it can
 *	inheritable                    while the bounding set is whole
 *	groups, group ids              CAP_SETGID
 *	bounding set                   CAP_SETPCAP
 *	user ids, capabilities kept    CAP_SETUID; the kernel then clears effective
 *	effective = permitted
 *	ambient set
 *	securebits                     CAP_SETPCAP
 *	permitted, effective           as wanted
 *	no_new_privs
 *
 * Much of this goes one way only. What a process can no longer become is refused, by name, when
 * the plan is made and nothing has been touched.
 *
 * In the table after the limits, before the parent-death signal and dumpable, which the
 * kernel resets when credentials change.
 */
#ifndef CORE_KINDS_CREDENTIALS_H
#define CORE_KINDS_CREDENTIALS_H

#include "core/kinds/kind.h"

extern const struct kind kind_credentials;

/* Whether the plan changes the credentials of this wanted thread; have NULL: nothing known. */
bool credentials_differ(const Sn__Task *have, const Sn__Thread *want);

#endif
