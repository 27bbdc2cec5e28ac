// SPDX-License-Identifier: Apache-2.0
#include "proto/text.h"

#include "core/base/mem.h"

#include <stdint.h>

/*
 * Length of the UTF-8 sequence at `text` and its code point, 0 when it is none:
 * cut short, overlong, a surrogate or beyond U+10FFFF. A terminating NUL stops it,
 * as it is no continuation byte.
 */
static size_t utf8_next(const char *text, uint32_t *point)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} forms[] = {
		{0x80, 0x00, 0x0},
		{0xe0, 0xc0, 0x80},
		{0xf0, 0xe0, 0x800},
		{0xf8, 0xf0, 0x10000},
	};
	const unsigned char *p = (const unsigned char *)text;

	for (size_t form = 0; form < 4; form++) {
		if ((*p & forms[form].mask) != forms[form].lead)
			continue;
		*point = *p & (unsigned char)~forms[form].mask;
		for (size_t i = 1; i <= form; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return 0;
			*point = *point << 6 | (p[i] & 0x3f);
		}
		if (*point < forms[form].least || *point > 0x10ffff ||
		    (*point >= 0xd800 && *point < 0xe000))
			return 0;
		return form + 1;
	}
	return 0;
}

void text_print_quoted(FILE *out, const char *text)
{
	uint32_t point;
	size_t len;

	putc('"', out);
	for (; *text; text += len ? len : 1) {
		len = utf8_next(text, &point);
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '\t')
			fputs("\\t", out);
		else if (len && point >= 0x20 && (point < 0x7f || point >= 0xa0))
			fwrite(text, 1, len, out);
		else
			for (size_t i = 0; i < (len ? len : 1); i++)
				fprintf(out, "\\x%02x", (unsigned char)text[i]);
	}
	putc('"', out);
}

char *text_utf8(const char *text)
{
	char *out = sn_malloc(strlen(text) * 4 + 1), *end = out;
	uint32_t point;
	size_t len;

	for (; *text; text += len ? len : 1) {
		len = utf8_next(text, &point);
		if (len)
			end = (char *)memcpy(end, text, len) + len;
		else
			end += sprintf(end, "\\x%02x", (unsigned char)*text);
	}
	*end = '\0';
	return out;
}
