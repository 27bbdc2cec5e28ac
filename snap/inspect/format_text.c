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

void format_string(const struct format *f, const uint8_t *text, size_t len, bool more)
{
	const struct print_options *options = format_options(f);
	size_t at = 0;
	bool quoted = false;

	if (!more && len > 0 && text[len - 1] == '\0')
		len--;
	if (len == 0) {
		fputs("\"\"", f->out);
		return;
	}
	while (at < len && at < options->elements) {
		size_t n = run_of(text + at, len - at);

		if (n > options->repeats) {
			fputs(quoted ? "\", '" : at ? ", '" : "'", f->out);
			format_escaped(f->out, text[at], '\'');
			fprintf(f->out, "' <repeats %zu times>", n);
			quoted = false;
		} else {
			fputs(quoted ? "" : at ? ", \"" : "\"", f->out);
			quoted = true;
			for (size_t i = 0; i < n; i++)
				format_escaped(f->out, text[at], '"');
		}
		at += n;
	}
	fputs(quoted ? "\"" : "", f->out);
	fputs(more || at < len ? "..." : "", f->out);
}

/* Reads up to the NUL or `max` characters. 1 it ended so; 0 it cannot be read further. */
static int read_string(const struct format *f, uint64_t addr, size_t max, uint8_t **text,
		       size_t *len, struct sn_err *err)
{
	size_t cap = 0;

	*text = NULL;
	for (*len = 0; *len <= max; ++*len) {
		if (*len == cap)
			*text = sn_realloc(*text, cap = cap ? 2 * cap : 256, 1);
		if (inspect_read(f->in, addr + *len, *text + *len, 1, err) < 0)
			return 0;
		if (!(*text)[*len])
			break;
	}
	return 1;
}

void format_string_at(const struct format *f, uint64_t addr)
{
	uint64_t elements = format_options(f)->elements;
	size_t max = elements < FORMAT_STRING ? elements : FORMAT_STRING, len;
	sn_auto_free uint8_t *text = NULL;
	struct sn_err err;

	if (!read_string(f, addr, max, &text, &len, &err)) {
		if (len)
			format_string(f, text, len, true);
		fprintf(f->out, "<error: %s>", err.text);
	} else if (len > max) {
		format_string(f, text, max, true);
	} else {
		format_string(f, text, len + 1, false);
	}
}
