// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/gdb_packet.h"

#include <string.h>

static int digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* ---- taking packets ---- */

static enum gdb_event between(struct gdb_parser *parser, char byte)
{
	switch (byte) {
	case '$':
		parser->state = GDB_TEXT;
		parser->len = 0;
		parser->sum = 0;
		parser->too_long = false;
		return GDB_NOTHING;
	case '+':
		return GDB_ACK;
	case '-':
		return GDB_NAK;
	default:
		return GDB_NOTHING;
	}
}

static void add_text(struct gdb_parser *parser, char byte)
{
	parser->sum += (uint8_t)byte;
	if (parser->len < GDB_PACKET_BYTES)
		parser->text[parser->len++] = byte;
	else
		parser->too_long = true;
}

static enum gdb_event end_packet(struct gdb_parser *parser, char low)
{
	int sum = digit_value(parser->high) * 16 + digit_value(low);

	parser->state = GDB_BETWEEN;
	parser->text[parser->len] = '\0';
	if (parser->too_long || digit_value(parser->high) < 0 || digit_value(low) < 0 ||
	    sum != parser->sum)
		return GDB_BROKEN;
	return GDB_PACKET;
}

enum gdb_event gdb_parser_byte(struct gdb_parser *parser, char byte)
{
	switch (parser->state) {
	case GDB_TEXT:
		if (byte == '$') /* the end of the last one got lost */
			return between(parser, byte);
		if (byte == '#')
			parser->state = GDB_SUM_HIGH;
		else
			add_text(parser, byte);
		return GDB_NOTHING;
	case GDB_SUM_HIGH:
		parser->high = byte;
		parser->state = GDB_SUM_LOW;
		return GDB_NOTHING;
	case GDB_SUM_LOW:
		return end_packet(parser, byte);
	default:
		return between(parser, byte);
	}
}

/* ---- making them ---- */

/*
 * "0* " is 0000: a star and, as a character, how often the one before it comes again, from 3 to
 * 97 times. The character is 29 more, and must not be # or $. What is read over a pipe gdb reads
 * by the byte, with a system call each, and memory is zeros mostly.
 */
static size_t put_run(FILE *out, const char *text, size_t len, uint8_t *sum)
{
	enum { RUN_LEAST = 3, RUN_MOST = 97, RUN_BASE = 29 };
	size_t again = 0;
	int count;

	while (1 + again < len && again < RUN_MOST && text[1 + again] == text[0])
		again++;
	if (again < RUN_LEAST)
		again = 0;
	if (again + RUN_BASE == '#' || again + RUN_BASE == '$')
		again = '#' - 1 - RUN_BASE;
	count = (int)again + RUN_BASE;
	fputc(text[0], out);
	*sum += (uint8_t)text[0];
	if (again) {
		fputc('*', out);
		fputc(count, out);
		*sum += (uint8_t)('*' + count);
	}
	return 1 + again;
}

void gdb_packet_put(FILE *out, const char *text, size_t len)
{
	uint8_t sum = 0;

	fputc('$', out);
	for (size_t i = 0; i < len;)
		i += put_run(out, text + i, len - i, &sum);
	fprintf(out, "#%02x", sum);
}

void gdb_put_hex(FILE *out, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = bytes;

	for (size_t i = 0; i < len; i++) {
		fputc(digits[from[i] >> 4], out);
		fputc(digits[from[i] & 15], out);
	}
}

size_t gdb_put_binary(FILE *out, const void *bytes, size_t len, size_t max)
{
	const char *from = bytes;
	size_t done, written = 0;

	for (done = 0; done < len; done++) {
		bool special = from[done] && strchr("#$}*", from[done]);

		if (written + 1 + special > max)
			break;
		if (special)
			fputc('}', out);
		fputc(special ? from[done] ^ 0x20 : from[done], out);
		written += 1 + (size_t)special;
	}
	return done;
}

/* ---- parts of their text ---- */

bool gdb_take_number(const char **at, uint64_t *number)
{
	const char *from = *at;

	*number = 0;
	for (; digit_value(**at) >= 0; (*at)++) {
		if (*number >> 60)
			return false;
		*number = *number << 4 | (uint64_t)digit_value(**at);
	}
	return *at > from;
}

bool gdb_take(const char **at, char wanted)
{
	if (!wanted || **at != wanted)
		return false;
	(*at)++;
	return true;
}

bool gdb_take_text(const char **at, char *text, size_t size)
{
	size_t len = 0;

	while (digit_value((*at)[0]) >= 0 && digit_value((*at)[1]) >= 0) {
		int byte = digit_value((*at)[0]) * 16 + digit_value((*at)[1]);

		if (!byte || len + 1 >= size)
			return false;
		text[len++] = (char)byte;
		*at += 2;
	}
	text[len] = '\0';
	return len > 0;
}

static bool take_id(const char **at, int64_t *id)
{
	uint64_t number;

	if (gdb_take(at, '-')) {
		*id = -1;
		return gdb_take(at, '1');
	}
	if (!gdb_take_number(at, &number) || number > INT32_MAX)
		return false;
	*id = (int64_t)number;
	return true;
}

bool gdb_take_thread(const char **at, int64_t *pid, int64_t *tid)
{
	*pid = 0;
	if (!gdb_take(at, 'p'))
		return take_id(at, tid);
	*tid = -1;
	return take_id(at, pid) && (!gdb_take(at, '.') || take_id(at, tid));
}
