/* SPDX-License-Identifier: Apache-2.0 */
/* What mappings are to a person. Internal to snap/inspect/. */
#ifndef SNAP_INSPECT_MAPPING_H
#define SNAP_INSPECT_MAPPING_H

#include "snap/inspect/internal.h"

enum mapping_kind {
	MAPPING_IS_OTHER,
	MAPPING_IS_MODULE, /* of a program or library, its .bss among it */
	MAPPING_IS_HEAP,   /* what brk(2) gave, and anonymous memory that is nothing else */
	MAPPING_IS_STACK,  /* where a thread's stack pointer is */
};
enum mapping_kind mapping_kind(const struct inspect *in, const Sn__Mapping *mapping);

/* The path of its file, "[heap]", "[stack]", "[stack:TID]", "[anon]", "[anon:NAME]", the name of a
 * memory object; borrowed, or the arena's. */
const char *mapping_name(struct inspect *in, const Sn__Mapping *mapping);

/* Whether a person means it: "heap", "stack", or a part of its name. */
bool mapping_is_meant(struct inspect *in, const Sn__Mapping *mapping, const char *what);

#endif
