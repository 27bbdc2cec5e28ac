// SPDX-License-Identifier: Apache-2.0
#include "proto/print.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/field.h"
#include "proto/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

enum {
	LINE_COLUMNS = 100,
	KEY_COLUMNS = 20,
	SHORT_BYTES = 16, /* bytes fields up to here are shown whole */
};

/* ---- names ---- */

const ProtobufCFieldDescriptor *field_key(const ProtobufCMessageDescriptor *type)
{
	static const char *const keys[] = {
		"pid", "tid", "fd", "wd", "id", "signal", "which", "start",
	};

	const ProtobufCFieldDescriptor *first = type->fields;

	if (!type->n_fields ||
	    (first->type != PROTOBUF_C_TYPE_UINT32 && first->type != PROTOBUF_C_TYPE_INT32 &&
	     first->type != PROTOBUF_C_TYPE_FIXED64))
		return NULL;
	for (size_t i = 0; i < sn_countof(keys); i++) {
		if (!strcmp(first->name, keys[i]))
			return first;
	}
	return NULL;
}

/* Length of what all names of the enum begin with, up to an underscore. */
static size_t enum_prefix(const ProtobufCEnumDescriptor *type)
{
	const char *first = type->values[0].name;
	size_t len = type->n_values > 1 ? strlen(first) : 0;

	for (unsigned i = 1; i < type->n_values; i++) {
		size_t same = 0;

		while (same < len && type->values[i].name[same] == first[same])
			same++;
		len = same;
	}
	while (len && first[len - 1] != '_')
		len--;
	return len;
}

char *enum_name(const ProtobufCEnumDescriptor *type, int value)
{
	const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(type, value);
	char *name;

	if (!found)
		return NULL;
	name = sn_strdup(found->name + enum_prefix(type));
	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return name;
}

/* ---- values ---- */

static void print_bytes(FILE *out, const ProtobufCBinaryData *bytes)
{
	fprintf(out, "%zu bytes", bytes->len);
	if (bytes->len > SHORT_BYTES) {
		fprintf(out, " #%08" PRIx32, (uint32_t)XXH3_64bits(bytes->data, bytes->len));
		return;
	}
	for (size_t i = 0; i < bytes->len; i++)
		fprintf(out, "%s%02x", i ? "" : " ", bytes->data[i]);
}

static void print_enum(FILE *out, const ProtobufCEnumDescriptor *type, int value)
{
	sn_auto_free char *name = enum_name(type, value);

	if (name)
		fputs(name, out);
	else
		fprintf(out, "%d", value);
}

void field_print(FILE *out, const ProtobufCFieldDescriptor *field, const void *value)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_FIXED32:
		fprintf(out, "0x%" PRIx32, *(const uint32_t *)value);
		break;
	case PROTOBUF_C_TYPE_FIXED64:
		fprintf(out, "0x%" PRIx64, *(const uint64_t *)value);
		break;
	case PROTOBUF_C_TYPE_UINT32:
		fprintf(out, "%" PRIu32, *(const uint32_t *)value);
		break;
	case PROTOBUF_C_TYPE_UINT64:
		fprintf(out, "%" PRIu64, *(const uint64_t *)value);
		break;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		fprintf(out, "%" PRId32, *(const int32_t *)value);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		fprintf(out, "%" PRId64, *(const int64_t *)value);
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		fprintf(out, "%.9g", (double)*(const float *)value);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		fprintf(out, "%.17g", *(const double *)value);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		fputs(*(const protobuf_c_boolean *)value ? "true" : "false", out);
		break;
	case PROTOBUF_C_TYPE_ENUM:
		print_enum(out, field->descriptor, *(const int32_t *)value);
		break;
	case PROTOBUF_C_TYPE_STRING:
		text_print_quoted(out, *(char *const *)value ? *(char *const *)value : "");
		break;
	case PROTOBUF_C_TYPE_BYTES:
		print_bytes(out, value);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		message_print_line(out, field_message(value), 0);
		break;
	}
}

/* ---- messages ---- */

static bool is_list(const ProtobufCFieldDescriptor *field)
{
	return field->label == PROTOBUF_C_LABEL_REPEATED;
}

/* Whether a person is shown this value: the key stands before the message already. */
static bool is_told(const ProtobufCFieldDescriptor *field, const void *value,
		    const ProtobufCFieldDescriptor *key)
{
	if (field == key)
		return false;
	return is_list(field) || field_is_oneof(field) || field->type == PROTOBUF_C_TYPE_ENUM ||
	       !field_is_default(field, value);
}

/* `name`, `name[key]` or `name[index]`; *key becomes the field it is named by. */
static void print_name(FILE *out, const ProtobufCFieldDescriptor *field, const void *value,
		       size_t index, const ProtobufCFieldDescriptor **key)
{
	*key = NULL;
	fputs(field->name, out);
	if (!is_list(field))
		return;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		*key = field_key(field->descriptor);
	putc('[', out);
	if (*key)
		field_print(out, *key, field_at(field_message(value), *key, 0));
	else
		fprintf(out, "%zu", index);
	putc(']', out);
}

static void print_flat(FILE *out, const ProtobufCMessage *message,
		       const ProtobufCFieldDescriptor *key)
{
	const char *between = "";

	for (unsigned n = 0; n < message->descriptor->n_fields; n++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[n], *sub_key;

		for (size_t i = 0; i < field_count(message, field); i++) {
			const void *value = field_at(message, field, i);

			if (!is_told(field, value, key))
				continue;
			fputs(between, out);
			between = ", ";
			print_name(out, field, value, i, &sub_key);
			putc(' ', out);
			if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
				field_print(out, field, value);
				continue;
			}
			putc('{', out);
			print_flat(out, field_message(value), sub_key);
			putc('}', out);
		}
	}
	if (!*between)
		putc('-', out);
}

/* The message on one line in malloc'd memory. */
static char *flat_text(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *key,
		       size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (!out)
		abort();
	print_flat(out, message, key);
	if (fclose(out) != 0)
		abort();
	return text;
}

void message_print_line(FILE *out, const ProtobufCMessage *message, size_t width)
{
	size_t len;
	sn_auto_free char *text = flat_text(message, NULL, &len);

	if (!width || len <= width) {
		fputs(text, out);
		return;
	}
	/* Not in the middle of a character. */
	while (width && (text[width] & 0xc0) == 0x80)
		width--;
	fprintf(out, "%.*s...", (int)width, text);
}

static bool is_flat(const ProtobufCMessage *message)
{
	for (unsigned n = 0; n < message->descriptor->n_fields; n++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[n];

		if ((is_list(field) || field->type == PROTOBUF_C_TYPE_MESSAGE) &&
		    field_count(message, field))
			return false;
	}
	return true;
}

static void print_fields(FILE *out, const ProtobufCMessage *message, unsigned level,
			 const ProtobufCFieldDescriptor *key);

/* What follows `name:`, on its line or below it. */
static void print_sub(FILE *out, const ProtobufCMessage *message, unsigned level, size_t name_len,
		      const ProtobufCFieldDescriptor *key)
{
	if (is_flat(message)) {
		size_t len;
		sn_auto_free char *text = flat_text(message, key, &len);

		if (2 * level + name_len + (key ? KEY_COLUMNS : 2) + len <= LINE_COLUMNS) {
			fprintf(out, " %s\n", text);
			return;
		}
	}
	putc('\n', out);
	print_fields(out, message, level + 1, key);
}

static void print_fields(FILE *out, const ProtobufCMessage *message, unsigned level,
			 const ProtobufCFieldDescriptor *key)
{
	for (unsigned n = 0; n < message->descriptor->n_fields; n++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[n], *sub_key;

		for (size_t i = 0; i < field_count(message, field); i++) {
			const void *value = field_at(message, field, i);

			if (!is_told(field, value, key))
				continue;
			fprintf(out, "%*s", (int)(2 * level), "");
			print_name(out, field, value, i, &sub_key);
			putc(':', out);
			if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
				print_sub(out, field_message(value), level, strlen(field->name),
					  sub_key);
				continue;
			}
			putc(' ', out);
			field_print(out, field, value);
			putc('\n', out);
		}
	}
}

void message_print(FILE *out, const ProtobufCMessage *message, unsigned level)
{
	print_fields(out, message, level, NULL);
}
