/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The alternate signal stack, sigaltstack(2).
 *
 * SS_ONSTACK is not state but a question about the stack pointer, which in our code is on no
 * stack of the program: it is never read, and the stack can be changed under a thread that was
 * stopped on it.
 */
#ifndef CORE_KINDS_ALT_STACK_H
#define CORE_KINDS_ALT_STACK_H

#include "core/kinds/kind.h"

extern const struct kind kind_alt_stack;

#endif
