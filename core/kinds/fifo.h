/* SPDX-License-Identifier: Apache-2.0 */
/* FIFOs, fifo(7): pipes with a name. */
#ifndef CORE_KINDS_FIFO_H
#define CORE_KINDS_FIFO_H

#include "core/kinds/kind.h"

extern const struct kind kind_fifo;

#endif
