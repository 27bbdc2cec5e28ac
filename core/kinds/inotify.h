/* SPDX-License-Identifier: Apache-2.0 */
/* Inotify instances, inotify(7). */
#ifndef CORE_KINDS_INOTIFY_H
#define CORE_KINDS_INOTIFY_H

#include "core/kinds/kind.h"

extern const struct kind kind_inotify;

#endif
