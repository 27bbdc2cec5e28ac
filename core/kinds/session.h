/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session and process group, setsid(2), setpgid(2).
 *
 * A leader becomes one again. Who was in the session of another process (a shell's job) stays
 * in that of the one who rebuilds it, with a note: nobody can enter a session from outside.
 */
#ifndef CORE_KINDS_SESSION_H
#define CORE_KINDS_SESSION_H

#include "core/kinds/kind.h"

extern const struct kind kind_session;

#endif
