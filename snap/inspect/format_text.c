// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/format.h"

void format_escaped(FILE *out, uint8_t c, char quote)
{
	static const char letters[] = "abtnvfr"; /* of 7 to 13 */
	if (c == '\\' || c == (uint8_t)quote) {
		fprintf(out, "\\%c", c);
	} else if (c >= 7 && c <= 13) {
		fprintf(out, "\\%c", letters[c - 7]);
	} else if (c >= 32 && c < 127) {
		fputc(c, out);
	} else {
		fprintf(out, "\\%03o", c);
	}
}

static size_t run_of(const uint8_t *text, size_t len)
{
	size_t n = 1;

	while (n < len && text[n] == text[0])
		n++;
	return n;
}

void format_string(FILE *out, const uint8_t *text, size_t len, bool more)
{
	size_t at = 0, printed = 0;
	bool quoted = false;

	if (!more && len > 0 && text[len - 1] == '\0')
		len--;
	if (len == 0) {
		fputs("\"\"", out);
		return;
	}
	while (at < len && printed < FORMAT_ELEMENTS) {
		size_t n = run_of(text + at, len - at);

		if (n > FORMAT_REPEATS) {
			fputs(quoted ? "\", '" : at ? ", '" : "'", out);
			format_escaped(out, text[at], '\'');
			fprintf(out, "' <repeats %zu times>", n);
			quoted = false;
			printed += n;
		} else {
			if (printed + n > FORMAT_ELEMENTS)
				n = FORMAT_ELEMENTS - printed;
			fputs(quoted ? "" : at ? ", \"" : "\"", out);
			quoted = true;
			for (size_t i = 0; i < n; i++)
				format_escaped(out, text[at], '"');
			printed += n;
		}
		at += n;
	}
	fputs(quoted ? "\"" : "", out);
	fputs(more || at < len ? "..." : "", out);
}

void format_string_at(const struct format *f, uint64_t addr)
{
	uint8_t text[FORMAT_ELEMENTS + 1];
	struct sn_err err;
	size_t len = 0;

	for (; len < sizeof(text); len++) {
		if (inspect_read(f->in, addr + len, text + len, 1, &err) < 0)
			break;
		if (!text[len])
			break;
	}
	if (len < sizeof(text) && inspect_read(f->in, addr + len, text + len, 1, &err) < 0) {
		if (len)
			format_string(f->out, text, len, true);
		fprintf(f->out, "%s<error: %s>", len ? "" : "", err.text);
		return;
	}
	if (len == sizeof(text))
		format_string(f->out, text, FORMAT_ELEMENTS, true);
	else
		format_string(f->out, text, len + 1, false);
}
