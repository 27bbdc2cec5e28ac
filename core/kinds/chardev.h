/* SPDX-License-Identifier: Apache-2.0 */
/* Character devices: null, zero, full, random, urandom, and terminals, which are outside. */
#ifndef CORE_KINDS_CHARDEV_H
#define CORE_KINDS_CHARDEV_H

#include "core/kinds/kind.h"

extern const struct kind kind_chardev;

#endif
