/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages as JSON for a machine. Keys are the field names of the .proto files.
 *
 *	fixed32, fixed64          "0x7ffd0000" strings
 *	other integers            integers; a uint64 above 2^63-1, which JSON readers
 *	                          would not take, as a decimal string
 *	enums                     their name, as in print.h; without a name the integer
 *	bytes                     hexadecimal string, two digits a byte
 *	strings                   strings; bytes that are no UTF-8 as \xNN in the text
 *	repeated fields           arrays, also when empty
 *	submessages, oneofs       objects under the field's name; no key when absent
 *
 * Every other field is always there, so a script may rely on its key.
 */
#ifndef PROTO_JSON_H
#define PROTO_JSON_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

/* A new reference, an object; null for NULL. */
json_t *message_json(const ProtobufCMessage *message);

/* A string of any bytes as a JSON string, as above. */
json_t *json_text(const char *text);

#endif
