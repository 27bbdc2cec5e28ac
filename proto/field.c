// SPDX-License-Identifier: Apache-2.0
#include "proto/field.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <assert.h>
#include <string.h>

static const size_t value_bytes[] = {
	[PROTOBUF_C_TYPE_INT32] = sizeof(int32_t),
	[PROTOBUF_C_TYPE_SINT32] = sizeof(int32_t),
	[PROTOBUF_C_TYPE_SFIXED32] = sizeof(int32_t),
	[PROTOBUF_C_TYPE_INT64] = sizeof(int64_t),
	[PROTOBUF_C_TYPE_SINT64] = sizeof(int64_t),
	[PROTOBUF_C_TYPE_SFIXED64] = sizeof(int64_t),
	[PROTOBUF_C_TYPE_UINT32] = sizeof(uint32_t),
	[PROTOBUF_C_TYPE_FIXED32] = sizeof(uint32_t),
	[PROTOBUF_C_TYPE_UINT64] = sizeof(uint64_t),
	[PROTOBUF_C_TYPE_FIXED64] = sizeof(uint64_t),
	[PROTOBUF_C_TYPE_FLOAT] = sizeof(float),
	[PROTOBUF_C_TYPE_DOUBLE] = sizeof(double),
	[PROTOBUF_C_TYPE_BOOL] = sizeof(protobuf_c_boolean),
	[PROTOBUF_C_TYPE_ENUM] = sizeof(int32_t),
	[PROTOBUF_C_TYPE_STRING] = sizeof(char *),
	[PROTOBUF_C_TYPE_BYTES] = sizeof(ProtobufCBinaryData),
	[PROTOBUF_C_TYPE_MESSAGE] = sizeof(ProtobufCMessage *),
};

static void *member(const ProtobufCMessage *message, unsigned offset)
{
	return (char *)message + offset;
}

/* ---- the walk ---- */

size_t field_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const void *value = member(message, field->offset);
	const void *quantifier = member(message, field->quantifier_offset);

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)quantifier;
	if (field_is_oneof(field) && *(const uint32_t *)quantifier != field->id)
		return 0;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return field_message(value) != NULL;
	if (field->label != PROTOBUF_C_LABEL_OPTIONAL || field_is_oneof(field))
		return 1;
	if (field->type == PROTOBUF_C_TYPE_STRING)
		return *(char *const *)value != NULL;
	return *(const protobuf_c_boolean *)quantifier != 0;
}

const void *field_at(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
		     size_t i)
{
	char *value = member(message, field->offset);

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		value = *(char **)value + i * value_bytes[field->type];
	return value;
}

static const char *text_of(const void *value)
{
	const char *text = *(char *const *)value;

	return text ? text : "";
}

bool field_is_default(const ProtobufCFieldDescriptor *field, const void *value)
{
	static const char zeros[sizeof(uint64_t)];

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return !*text_of(value);
	case PROTOBUF_C_TYPE_BYTES:
		return !((const ProtobufCBinaryData *)value)->len;
	case PROTOBUF_C_TYPE_MESSAGE:
		return false;
	default:
		return !memcmp(value, zeros, value_bytes[field->type]);
	}
}

bool field_equal(const ProtobufCFieldDescriptor *field, const void *a, const void *b)
{
	const ProtobufCBinaryData *left = a, *right = b;

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return !strcmp(text_of(a), text_of(b));
	case PROTOBUF_C_TYPE_BYTES:
		return left->len == right->len &&
		       (!left->len || !memcmp(left->data, right->data, left->len));
	case PROTOBUF_C_TYPE_MESSAGE:
		return message_equal(field_message(a), field_message(b));
	default:
		return !memcmp(a, b, value_bytes[field->type]);
	}
}

/* ---- whole messages ---- */

void *message_new(const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *message = sn_malloc(type->sizeof_message);

	protobuf_c_message_init(type, message);
	return message;
}

void *message_copy(const ProtobufCMessage *message)
{
	sn_auto_free uint8_t *packed = NULL;
	ProtobufCMessage *copy;
	size_t len;

	if (!message)
		return NULL;
	packed = sn_malloc(protobuf_c_message_get_packed_size(message));
	len = protobuf_c_message_pack(message, packed);
	copy = protobuf_c_message_unpack(message->descriptor, NULL, len, packed);
	if (!copy) /* what pack has written unpack takes, but for want of memory */
		abort();
	return copy;
}

bool message_equal(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	if (a == b)
		return true;
	if (!a || !b || a->descriptor != b->descriptor)
		return false;
	for (unsigned n = 0; n < a->descriptor->n_fields; n++) {
		const ProtobufCFieldDescriptor *field = &a->descriptor->fields[n];
		size_t count = field_count(a, field);

		if (field_count(b, field) != count)
			return false;
		for (size_t i = 0; i < count; i++) {
			if (!field_equal(field, field_at(a, field, i), field_at(b, field, i)))
				return false;
		}
	}
	return true;
}

/* ---- submessages by field number ---- */

static const ProtobufCFieldDescriptor *sub_field(const ProtobufCMessage *message, unsigned number,
						 bool repeated)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field(message->descriptor, number);

	assert(field && field->type == PROTOBUF_C_TYPE_MESSAGE);
	assert((field->label == PROTOBUF_C_LABEL_REPEATED) == repeated);
	return field;
}

ProtobufCMessage *message_get(const ProtobufCMessage *message, unsigned number)
{
	const ProtobufCFieldDescriptor *field = sub_field(message, number, false);

	return field_count(message, field) ? field_message(field_at(message, field, 0)) : NULL;
}

ProtobufCMessage *message_take(ProtobufCMessage *message, unsigned number)
{
	const ProtobufCFieldDescriptor *field = sub_field(message, number, false);
	ProtobufCMessage *sub = message_get(message, number);

	if (!sub)
		return NULL;
	*(ProtobufCMessage **)member(message, field->offset) = NULL;
	if (field_is_oneof(field))
		*(uint32_t *)member(message, field->quantifier_offset) = 0;
	return sub;
}

/* Frees whichever member the oneof of `field` has. */
static void oneof_clear(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	uint32_t *which = member(message, field->quantifier_offset);
	const ProtobufCFieldDescriptor *old;
	void *value;

	if (!*which)
		return;
	old = protobuf_c_message_descriptor_get_field(message->descriptor, *which);
	assert(old);
	value = member(message, old->offset);
	if (old->type == PROTOBUF_C_TYPE_MESSAGE)
		protobuf_c_message_free_unpacked(field_message(value), NULL);
	else if (old->type == PROTOBUF_C_TYPE_BYTES)
		free(((ProtobufCBinaryData *)value)->data);
	else if (old->type == PROTOBUF_C_TYPE_STRING && *(char **)value != old->default_value)
		free(*(char **)value);
	*which = 0;
}

void message_set(ProtobufCMessage *message, unsigned number, ProtobufCMessage *sub)
{
	const ProtobufCFieldDescriptor *field = sub_field(message, number, false);

	assert(!sub || sub->descriptor == field->descriptor);
	if (field_is_oneof(field)) {
		oneof_clear(message, field);
		*(uint32_t *)member(message, field->quantifier_offset) = sub ? number : 0;
	} else {
		protobuf_c_message_free_unpacked(message_get(message, number), NULL);
	}
	*(ProtobufCMessage **)member(message, field->offset) = sub;
}

void message_append(ProtobufCMessage *message, unsigned number, ProtobufCMessage *sub)
{
	const ProtobufCFieldDescriptor *field = sub_field(message, number, true);
	size_t *count = member(message, field->quantifier_offset);
	ProtobufCMessage ***array = member(message, field->offset);

	assert(sub->descriptor == field->descriptor);
	*array = sn_realloc(*array, *count + 1, sizeof(**array));
	(*array)[(*count)++] = sub;
}
