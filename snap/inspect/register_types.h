/* SPDX-License-Identifier: Apache-2.0 */
/* Types that no program declares: those of registers, as gdb calls them. Internal to
 * snap/inspect/. */
#ifndef SNAP_INSPECT_REGISTER_TYPES_H
#define SNAP_INSPECT_REGISTER_TYPES_H

#include "snap/inspect/types.h"

/* A union of the ways to see xmm0 (16 bytes) or ymm0 (32). */
struct type *register_type_vector(struct inspect *in, size_t bytes);
/* Ten bytes. */
struct type *register_type_x87(struct inspect *in);
struct type *register_type_eflags(struct inspect *in);
struct type *register_type_mxcsr(struct inspect *in);

#endif
