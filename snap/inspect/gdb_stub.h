/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot as the target of gdb's remote serial protocol (appendix "Remote Protocol" of its
 * manual): it can be read, and neither runs nor changes. Reads and writes no descriptor of the
 * client's, so the caller decides how the bytes travel.
 *
 *	gdb_stub_open -> gdb_stub_input, as bytes come -> gdb_stub_close
 *
 * Whatever a client sends is answered or passed over; nothing it sends is an error here.
 */
#ifndef SNAP_INSPECT_GDB_STUB_H
#define SNAP_INSPECT_GDB_STUB_H

#include "snap/inspect/inspect.h"

#include <stdbool.h>
#include <stdio.h>

struct gdb_stub;

/* For one client. Borrows the inspect, which several may do one after the other. */
struct gdb_stub *gdb_stub_open(struct inspect *in);
void gdb_stub_close(struct gdb_stub *stub); /* NULL is fine */

/* Takes what the client sent, and writes what it is to be sent. False: the client has said good
 * bye, or cannot be understood any more; what was written is still for it. */
bool gdb_stub_input(struct gdb_stub *stub, const char *bytes, size_t len, FILE *out);

#endif
