/* SPDX-License-Identifier: Apache-2.0 */
/* The contents of a core's PT_NOTE segment. Internal to snap/inspect/. */
#ifndef SNAP_INSPECT_CORE_NOTES_H
#define SNAP_INSPECT_CORE_NOTES_H

#include "snap/inspect/internal.h"

struct core_notes {
	uint8_t *bytes;
	size_t len;
};

void core_notes_make(struct inspect *in, struct core_notes *notes);
void core_notes_release(struct core_notes *notes);

#endif
