/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between two messages of one type:
 *
 *	tasks[4711].threads[4712].registers.rip: 0x1 -> 0x2
 *	files[3].regular: removed
 *
 * Elements of repeated messages are matched by their key (field_key of print.h),
 * so a list that lost its first element differs in that element and not in all;
 * elements without a key, scalars and strings are matched by index. Elements with
 * the same key are matched one to one in their order.
 *
 * A submessage that is absent on one side is reported as one difference, added or
 * removed; a change of a oneof's member as the old one removed and the new one added.
 */
#ifndef PROTO_DIFF_H
#define PROTO_DIFF_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

enum diff_what {
	DIFF_CHANGED,
	DIFF_ADDED,   /* `want` has it, `have` has not */
	DIFF_REMOVED, /* `have` has it, `want` has not */
};

/* All texts are valid during the call only. */
struct diff_entry {
	enum diff_what what;
	const char *path;
	const char *have; /* one line, as in print.h; NULL when added */
	const char *want; /* NULL when removed */
	const ProtobufCFieldDescriptor *field; /* the path's last */
	const ProtobufCMessage *owner; /* the message that has the field, in `have` when
					* it is there, else in `want` */
};

/* Sees one difference; a result other than 0 ends the walk. */
typedef int diff_emit(void *arg, const struct diff_entry *entry);

/*
 * Calls `emit` for each difference in the order of the fields and returns how many
 * it saw. Without `emit` it stops at the first: 0 same, 1 not. Both are of one
 * type and neither is NULL.
 */
size_t message_diff(const ProtobufCMessage *have, const ProtobufCMessage *want, diff_emit *emit,
		    void *arg);

#endif
