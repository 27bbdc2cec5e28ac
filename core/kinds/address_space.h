/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The address space beyond its mappings: where the heap, the stack, the arguments and the
 * environment lie, the auxiliary vector, the executable. PR_SET_MM_MAP of prctl(2).
 */
#ifndef CORE_KINDS_ADDRESS_SPACE_H
#define CORE_KINDS_ADDRESS_SPACE_H

#include "core/kinds/kind.h"

extern const struct kind kind_address_space;

#endif
