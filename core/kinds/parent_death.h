/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signal a thread gets when its parent ends, PR_SET_PDEATHSIG of prctl(2).
 *
 * A change of credentials clears it, so it is set again after one: in the table after the
 * credentials.
 */
#ifndef CORE_KINDS_PARENT_DEATH_H
#define CORE_KINDS_PARENT_DEATH_H

#include "core/kinds/kind.h"

extern const struct kind kind_parent_death;

#endif
