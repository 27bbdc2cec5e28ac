// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/find.h"

#include "snap/inspect/eval.h"

#include <ctype.h>

enum {
	CHUNK_BYTES = 16000,	     /* gdb reads so much at once, which its messages show */
	PATTERN_BYTES_MAX = 1 << 24, /* nobody looks for more */
};

static int parse_word(const char **text, struct find_format *format, struct sn_err *err)
{
	const char *s = *text;

	for (; *s && *s != '/' && !isspace((unsigned char)*s); s++) {
		if (isdigit((unsigned char)*s)) {
			char *end;

			format->has_max = true;
			format->max = strtoul(s, &end, 10);
			s = end - 1;
		} else if (strchr("bhwg", *s)) {
			format->size = *s;
		} else {
			return sn_fail(err, "Invalid size granularity.");
		}
	}
	*text = s + strspn(s, " \t");
	return 0;
}

int find_parse_format(const char **text, struct find_format *format, struct sn_err *err)
{
	*format = (struct find_format){0};
	*text += strspn(*text, " \t");
	while (**text == '/') {
		++*text;
		if (parse_word(text, format, err) < 0)
			return -1;
	}
	return 0;
}

static int append(struct find_pattern *pattern, const void *bytes, size_t len, struct sn_err *err)
{
	if (pattern->len + len > PATTERN_BYTES_MAX)
		return sn_fail(err, "what is looked for has more than %d bytes",
			       PATTERN_BYTES_MAX);
	pattern->bytes = sn_realloc(pattern->bytes, pattern->len + len, 1);
	memcpy(pattern->bytes + pattern->len, bytes, len);
	pattern->len += len;
	return 0;
}

static size_t size_of(char size)
{
	return size == 'b' ? 1 : size == 'h' ? 2 : size == 'w' ? 4 : 8;
}

int find_pattern_add(const struct context *context, struct find_pattern *pattern,
		     const struct node *node, char size, struct sn_err *err)
{
	struct inspect *in = context->in;
	struct value *value;
	const uint8_t *bytes;
	uint64_t number;

	value = eval(context, node, false, err);
	if (!value)
		return -1;
	if (size) {
		if (value_to_address(in, value, &number, err) < 0)
			return -1;
		return append(pattern, &number, size_of(size), err);
	}
	if (value->type->size > PATTERN_BYTES_MAX)
		return append(pattern, "", value->type->size, err);
	bytes = value_bytes(in, value, err);
	if (!bytes)
		return -1;
	if (value->is_absent)
		return sn_fail(err, "value has been optimized out");
	return append(pattern, bytes, type_strip(value->type)->size, err);
}

/* The first piece of a search from `pos` that cannot be read; false: all can. */
static bool unread_piece(const struct find_range *range, uint64_t pos, uint64_t *piece)
{
	uint64_t needed = range->pattern_len - 1, known = range->readable;

	*piece = known > pos + needed ? (known - pos - needed) / CHUNK_BYTES : 0;
	return known < range->end && range->end - pos >= range->pattern_len;
}

size_t find_reached(const struct find_hit *hits, size_t count, bool goes_on,
		    const struct find_range *range, struct find_range *unread)
{
	uint64_t pos = range->start, piece, most;
	size_t i;

	unread->start = unread->end = 0;
	for (i = 0; unread_piece(range, pos, &piece); i++) {
		if (i == count && !goes_on)
			break;
		if (i < count && (hits[i].addr - pos) / CHUNK_BYTES < piece) {
			pos = hits[i].addr + 1;
			continue;
		}
		/* what a piece has in common with the one before is not read again */
		pos += piece * CHUNK_BYTES + (piece ? range->pattern_len - 1 : 0);
		most = CHUNK_BYTES + (piece ? 0 : range->pattern_len - 1);
		unread->start = pos;
		unread->end = range->end - pos < most ? range->end : pos + most;
		return i;
	}
	return count;
}
