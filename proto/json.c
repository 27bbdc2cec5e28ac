// SPDX-License-Identifier: Apache-2.0
#include "proto/json.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/field.h"
#include "proto/print.h"
#include "proto/text.h"

#include <inttypes.h>

/* jansson says by NULL that it has no memory. */
static json_t *had(json_t *json)
{
	if (!json)
		abort();
	return json;
}

json_t *json_text(const char *text)
{
	sn_auto_free char *utf8 = text_utf8(text ? text : "");

	return had(json_string(utf8));
}

static json_t *json_bytes(const ProtobufCBinaryData *bytes)
{
	static const char digits[] = "0123456789abcdef";
	sn_auto_free char *text = sn_malloc(bytes->len * 2 + 1);

	for (size_t i = 0; i < bytes->len; i++) {
		text[2 * i] = digits[bytes->data[i] >> 4];
		text[2 * i + 1] = digits[bytes->data[i] & 0xf];
	}
	return had(json_stringn(text, bytes->len * 2));
}

static json_t *json_hex(uint64_t value)
{
	return had(json_sprintf("0x%" PRIx64, value));
}

static json_t *json_unsigned(uint64_t value)
{
	if (value > INT64_MAX)
		return had(json_sprintf("%" PRIu64, value));
	return had(json_integer((json_int_t)value));
}

static json_t *json_enum(const ProtobufCEnumDescriptor *type, int value)
{
	sn_auto_free char *name = enum_name(type, value);

	return had(name ? json_string(name) : json_integer(value));
}

/* JSON knows no infinities: null then, as other writers do. */
static json_t *json_number(double value)
{
	json_t *json = json_real(value);

	return json ? json : json_null();
}

static json_t *json_value(const ProtobufCFieldDescriptor *field, const void *value)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_FIXED32:
		return json_hex(*(const uint32_t *)value);
	case PROTOBUF_C_TYPE_FIXED64:
		return json_hex(*(const uint64_t *)value);
	case PROTOBUF_C_TYPE_UINT32:
		return json_unsigned(*(const uint32_t *)value);
	case PROTOBUF_C_TYPE_UINT64:
		return json_unsigned(*(const uint64_t *)value);
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		return had(json_integer(*(const int32_t *)value));
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return had(json_integer(*(const int64_t *)value));
	case PROTOBUF_C_TYPE_FLOAT:
		return json_number((double)*(const float *)value);
	case PROTOBUF_C_TYPE_DOUBLE:
		return json_number(*(const double *)value);
	case PROTOBUF_C_TYPE_BOOL:
		return json_boolean(*(const protobuf_c_boolean *)value);
	case PROTOBUF_C_TYPE_ENUM:
		return json_enum(field->descriptor, *(const int32_t *)value);
	case PROTOBUF_C_TYPE_STRING:
		return json_text(*(char *const *)value);
	case PROTOBUF_C_TYPE_BYTES:
		return json_bytes(value);
	case PROTOBUF_C_TYPE_MESSAGE:
		return message_json(field_message(value));
	}
	return json_null();
}

static json_t *json_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	size_t count = field_count(message, field);
	json_t *array;

	if (field->label != PROTOBUF_C_LABEL_REPEATED)
		return count ? json_value(field, field_at(message, field, 0)) : NULL;
	array = had(json_array());
	for (size_t i = 0; i < count; i++) {
		json_t *value = json_value(field, field_at(message, field, i));

		if (json_array_append_new(array, value) < 0)
			abort();
	}
	return array;
}

json_t *message_json(const ProtobufCMessage *message)
{
	json_t *object;

	if (!message)
		return json_null();
	object = had(json_object());
	for (unsigned n = 0; n < message->descriptor->n_fields; n++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[n];
		json_t *value = json_field(message, field);

		if (value && json_object_set_new(object, field->name, value) < 0)
			abort();
	}
	return object;
}
