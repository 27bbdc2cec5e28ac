/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes, pipe(7). */
#ifndef CORE_KINDS_PIPE_H
#define CORE_KINDS_PIPE_H

#include "core/kinds/kind.h"

extern const struct kind kind_pipe;

#endif
