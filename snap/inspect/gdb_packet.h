/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets of gdb's remote serial protocol ("Overview" in the appendix "Remote Protocol" of gdb's
 * manual): $TEXT#SUM, where SUM is the sum of TEXT's bytes in two digits. Nothing here knows what
 * a packet means, and nothing reads or writes a descriptor. Internal to snap/inspect/.
 *
 *	gdb_parser_byte, byte by byte -> GDB_PACKET: parser.text
 *	text written to a stream -> gdb_packet_put
 */
#ifndef SNAP_INSPECT_GDB_PACKET_H
#define SNAP_INSPECT_GDB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Bytes of text, either way, as "PacketSize" tells the client. */
enum { GDB_PACKET_BYTES = 0x4000 };

enum gdb_event {
	GDB_NOTHING, /* more is to come */
	GDB_PACKET,
	GDB_BROKEN, /* a packet with a wrong sum, or too long */
	GDB_ACK,    /* "+" */
	GDB_NAK,    /* "-": the client wants the last packet again */
};

/* Zeroed to begin with. What is between packets (a Ctrl-C, rubbish) is passed over. */
struct gdb_parser {
	enum { GDB_BETWEEN, GDB_TEXT, GDB_SUM_HIGH, GDB_SUM_LOW } state;
	char text[GDB_PACKET_BYTES + 1]; /* a NUL behind it */
	size_t len;
	bool too_long;
	uint8_t sum;
	char high;
};

enum gdb_event gdb_parser_byte(struct gdb_parser *parser, char byte);

/* A packet around `text`, which has no '*' of its own; repeated characters are sent once. */
void gdb_packet_put(FILE *out, const char *text, size_t len);

/* Two digits a byte. */
void gdb_put_hex(FILE *out, const void *bytes, size_t len);

/* Bytes as they are, but for those that have a meaning of their own. Stops before the text
 * gets longer than max bytes; how many of them it wrote. */
size_t gdb_put_binary(FILE *out, const void *bytes, size_t len, size_t max);

/* A number in hexadecimal at *at, which moves behind it. False: there is none, or it does not
 * fit. */
bool gdb_take_number(const char **at, uint64_t *number);

/* The character at *at, which moves behind it; false: it is another. */
bool gdb_take(const char **at, char wanted);

/* A text in hexadecimal up to anything else: at most size - 1 bytes without a NUL. */
bool gdb_take_text(const char **at, char *text, size_t size);

/* "pPID.TID", "PID" or "TID" as a client names threads; -1 is all, 0 any. A process that is not
 * named is 0. */
bool gdb_take_thread(const char **at, int64_t *pid, int64_t *tid);

#endif
