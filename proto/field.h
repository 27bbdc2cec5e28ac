/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages as values, whatever their type: fields by number, equality, copies,
 * and the walk over fields that printing, JSON and diff share.
 *
 * A field is seen as a list of 0, 1 or more values. A repeated field has as many
 * as it has elements; a submessage and a member of a oneof have one when they
 * are there, none when not; any other field has exactly one. field_at gives the
 * place of a value, whose C type follows from field->type:
 *
 *	INT32, SINT32, SFIXED32, ENUM, BOOL   int32_t (protobuf_c_boolean is an int)
 *	UINT32, FIXED32                       uint32_t
 *	INT64, SINT64, SFIXED64               int64_t
 *	UINT64, FIXED64                       uint64_t
 *	FLOAT, DOUBLE                         float, double
 *	STRING                                char *   (NULL is the empty string)
 *	BYTES                                 ProtobufCBinaryData
 *	MESSAGE                               ProtobufCMessage *
 *
 * Messages made here, as all others, are freed with
 * protobuf_c_message_free_unpacked(message, NULL): every string, array and
 * submessage in them comes from malloc(3) or is the type's default.
 */
#ifndef PROTO_FIELD_H
#define PROTO_FIELD_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- whole messages ---- */

/* A new message with every field at its default. Never NULL. */
void *message_new(const ProtobufCMessageDescriptor *type);

/* A deep copy; NULL for NULL. */
void *message_copy(const ProtobufCMessage *message);

/*
 * Whether both say the same, element by element in order. NULL and a message of
 * defaults differ: absent is not empty. Two NULLs are equal. Allocates nothing.
 */
bool message_equal(const ProtobufCMessage *a, const ProtobufCMessage *b);

/* ---- submessages by field number ---- */

/* The submessage, borrowed; NULL when it is absent. The type has such a field. */
ProtobufCMessage *message_get(const ProtobufCMessage *message, unsigned number);

/* The same, out of the message: the caller's to free; absent afterwards. */
ProtobufCMessage *message_take(ProtobufCMessage *message, unsigned number);

/*
 * Puts `sub` in, which belongs to the message from then on, and frees what was
 * there: the old submessage, or whichever member its oneof had. NULL: absent.
 */
void message_set(ProtobufCMessage *message, unsigned number, ProtobufCMessage *sub);

/* Appends to a repeated field; `sub` belongs to the message from then on. */
void message_append(ProtobufCMessage *message, unsigned number, ProtobufCMessage *sub);

/* ---- the walk ---- */

/* How many values the field has in this message. */
size_t field_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* The i-th of them, i < field_count. */
const void *field_at(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
		     size_t i);

/* The message a value of a MESSAGE field is. */
static inline ProtobufCMessage *field_message(const void *value)
{
	return *(ProtobufCMessage *const *)value;
}

/* 0, false, empty. Never true of a message. */
bool field_is_default(const ProtobufCFieldDescriptor *field, const void *value);

bool field_equal(const ProtobufCFieldDescriptor *field, const void *a, const void *b);

/* A member of a oneof: what it says begins with being there. */
static inline bool field_is_oneof(const ProtobufCFieldDescriptor *field)
{
	return field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
}

#endif
