/* SPDX-License-Identifier: Apache-2.0 */
/* The contents of a core's PT_NOTE segment. Internal to snap/inspect/. */
#ifndef SNAP_INSPECT_CORE_NOTES_H
#define SNAP_INSPECT_CORE_NOTES_H

#include "snap/inspect/internal.h"

#include <sys/procfs.h>

enum { FXSAVE_BYTES = 512 }; /* what an xstate begins with */

struct core_notes {
	uint8_t *bytes;
	size_t len;
};

void core_notes_make(struct inspect *in, struct core_notes *notes);
void core_notes_release(struct core_notes *notes);

/* A thread's general registers as the kernel orders them, sys/reg.h. */
void core_registers(const Sn__Registers *r, elf_gregset_t regs);

/* The first signal that waits for a thread: a siginfo_t. NULL: none. */
const ProtobufCBinaryData *core_siginfo(const Sn__Task *task, const Sn__Thread *thread);

#endif
