/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages as text for a person:
 *
 *	format: 1
 *	tasks[4711]:
 *	  threads[4711]:
 *	    signal_mask: 0x4000
 *	    name: name "worker"
 *	  mappings[0x55d0c8a3e000]: end 0x55d0c8a5f000, type anon, prot 0x3
 *
 * One line a field, two blanks a level; a message that has neither submessages
 * nor lists and fits on a line stands on one. fixed32 and fixed64 are hexadecimal,
 * other integers decimal, enums by name without the prefix they share, bytes as
 * length and, when short, hexadecimal (when long, a hash that tells them apart).
 * What is 0, false or empty is left out, but for enums, whose 0 means something.
 * Elements of lists are named by their key (field_key), else counted.
 *
 * Strings come from applications: control characters and bytes that are no UTF-8 are
 * escaped as \xNN, so no terminal is driven by them.
 */
#ifndef PROTO_PRINT_H
#define PROTO_PRINT_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Every field of `message`, indented by `level` levels. */
void message_print(FILE *out, const ProtobufCMessage *message, unsigned level);

/* Everything in one line without an end: `end 0x55, type anon`, "-" when there
 * is nothing to say. Cut to about `width` bytes with "..."; 0: never cut. */
void message_print_line(FILE *out, const ProtobufCMessage *message, size_t width);

/* One value (field_at); a message as by message_print_line, uncut. */
void field_print(FILE *out, const ProtobufCFieldDescriptor *field, const void *value);

/* The name of an enum's value without the prefix all its names share, in lower
 * case; NULL when the number has no name. The result is malloc'd. */
char *enum_name(const ProtobufCEnumDescriptor *type, int value);

/*
 * The field that names an element among others of its list: the first field, when
 * it is one of pid, tid, fd, wd, id, signal, which, start; else NULL. Its type is
 * UINT32, INT32 or FIXED64.
 */
const ProtobufCFieldDescriptor *field_key(const ProtobufCMessageDescriptor *type);

#endif
