/* SPDX-License-Identifier: Apache-2.0 */
/* Epoll instances, epoll(7). */
#ifndef CORE_KINDS_EPOLL_H
#define CORE_KINDS_EPOLL_H

#include "core/kinds/kind.h"

extern const struct kind kind_epoll;

#endif
