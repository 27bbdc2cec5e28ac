/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource limits, getrlimit(2).
 *
 * Asked of the process itself, which needs no privilege; set from outside when we have
 * CAP_SYS_RESOURCE and the process may not. Two steps: first thing the limits are opened to the
 * wider of both models, so that a lowered limit is not in the way of what belongs to the
 * other (descriptors, locked memory) and a hard limit that cannot be raised is known before
 * anything is touched; the exact values come in STAGE_SECURITY, before the credentials.
 */
#ifndef CORE_KINDS_LIMITS_H
#define CORE_KINDS_LIMITS_H

#include "core/kinds/kind.h"

extern const struct kind kind_limits;

#endif
