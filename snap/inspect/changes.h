/* SPDX-License-Identifier: Apache-2.0 */
/* Pages and registers that have been assigned to. Internal to snap/inspect/. */
#ifndef SNAP_INSPECT_CHANGES_H
#define SNAP_INSPECT_CHANGES_H

#include "snap/inspect/internal.h"

enum { HISTORY_BYTES_MAX = 64 * 1024 }; /* gdb's max-value-size */

/* A page that was assigned to, as it is now; NULL: it was not. */
uint8_t *changes_page(const struct inspect *in, uint64_t key);
/* Adds one, which is `page` so far; it can be written to. */
uint8_t *changes_add_page(struct inspect *in, uint64_t key, const uint8_t *page);
/* A thread whose registers can be written to. */
Sn__Thread *changes_thread(struct inspect *in, size_t thread);

void changes_note(struct inspect *in, const struct assigned *assigned);
/* What follows from memory and registers is asked for anew. */
void changes_reread(struct inspect *in);
/* Values of the history stay what they were when they were printed. */
void changes_keep_history(struct inspect *in);
/* Forgets all, taking nothing back. */
void changes_release(struct inspect *in);

/* ---- memory_write.c, memory.c ---- */

/* Writes to the process's memory as changes; fails where no page of a snapshot can be. */
int memory_write(struct inspect *in, uint64_t addr, const void *buf, size_t len,
		 struct sn_err *err);
/* Nothing that was read is remembered. */
void memory_forget(struct inspect *in);

#endif
