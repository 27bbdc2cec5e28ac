/* SPDX-License-Identifier: Apache-2.0 */
/* Regular files and directories, and descriptors that only name a file (O_PATH). */
#ifndef CORE_KINDS_REGULAR_H
#define CORE_KINDS_REGULAR_H

#include "core/kinds/kind.h"

extern const struct kind kind_regular;

#endif
