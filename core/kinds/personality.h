/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The execution domain, personality(2): address space randomization, a 32-bit uname, pages
 * that become executable with being readable.
 */
#ifndef CORE_KINDS_PERSONALITY_H
#define CORE_KINDS_PERSONALITY_H

#include "core/kinds/kind.h"

extern const struct kind kind_personality;

#endif
