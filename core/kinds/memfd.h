/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of anonymous files, memfd_create(2): the object is core/kinds/object.c's. */
#ifndef CORE_KINDS_MEMFD_H
#define CORE_KINDS_MEMFD_H

#include "core/kinds/kind.h"

extern const struct kind kind_memfd;

#endif
