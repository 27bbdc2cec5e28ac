/* SPDX-License-Identifier: Apache-2.0 */
/* Signals as descriptors, signalfd(2). */
#ifndef CORE_KINDS_SIGNALFD_H
#define CORE_KINDS_SIGNALFD_H

#include "core/kinds/kind.h"

extern const struct kind kind_signalfd;

#endif
