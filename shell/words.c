// SPDX-License-Identifier: Apache-2.0
#include "shell/words.h"

#include "core/base/mem.h"
#include "shell/command.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Copies what stands between two quotes; `in` behind the first one. NULL: no second. */
static const char *copy_quoted(char **out, const char *in, char quote)
{
	for (; *in != quote; in++) {
		if (quote == '"' && *in == '\\' && in[1])
			in++;
		if (!*in)
			return NULL;
		*(*out)++ = *in;
	}
	return in + 1;
}

/* Copies one word, quotes removed. What is behind it, or NULL with the quote that is open. */
static const char *copy_word(char **out, const char *in, char *open)
{
	while (*in && !is_blank(*in)) {
		if (*in == '\'' || *in == '"') {
			char quote = *in;

			in = copy_quoted(out, in + 1, quote);
			if (!in) {
				*open = quote;
				return NULL;
			}
			continue;
		}
		if (*in == '\\' && in[1])
			in++;
		*(*out)++ = *in++;
	}
	*(*out)++ = '\0';
	return in;
}

char words_split_open(struct words *words, const char *line)
{
	size_t len = strlen(line);
	char *out, open = 0;

	/* Every word needs at least one character and a blank before the next. */
	words->text = sn_malloc(len + 1);
	words->words = sn_calloc(len / 2 + 2, sizeof(*words->words));
	words->count = 0;
	out = words->text;
	for (;;) {
		while (is_blank(*line))
			line++;
		if (!*line || *line == '#')
			return 0;
		words->words[words->count++] = out;
		line = copy_word(&out, line, &open);
		if (!line) {
			*out = '\0';
			return open;
		}
	}
}

int words_split(struct words *words, const char *line, struct sn_err *err)
{
	char open = words_split_open(words, line);

	if (!open)
		return 0;
	words_release(words);
	return sn_fail(err, "a %c without its partner", open);
}

/* How many words the option at `p` takes; 0: it is none. */
static size_t option_words(const char *p, const struct command_option *options)
{
	size_t len = strcspn(p, " \t\r\n");

	if (p[0] != '-')
		return 0;
	if ((len == 6 && strncmp(p, "--json", len) == 0) ||
	    (len == 6 && strncmp(p, "--help", len) == 0) || (len == 2 && p[1] == 'h'))
		return 1;
	for (; options && options->name; options++) {
		if (len == 2 && p[1] == options->letter)
			return options->value ? 2 : 1;
		if (len > 2 && p[1] == '-' && strlen(options->name) == len - 2 &&
		    strncmp(p + 2, options->name, len - 2) == 0)
			return options->value ? 2 : 1;
	}
	return 0;
}

static const char *skip_blanks(const char *p)
{
	while (is_blank(*p))
		p++;
	return p;
}

/* One word up to a blank, as it is; what is behind it. */
static const char *take_word(struct words *words, char **out, const char *p, size_t len)
{
	words->words[words->count++] = *out;
	memcpy(*out, p, len);
	*out += len;
	*(*out)++ = '\0';
	return skip_blanks(p + len);
}

void words_split_text(struct words *words, const char *line, const struct command_option *options)
{
	size_t len = strlen(line), n;
	char *out;

	words->text = out = sn_malloc(2 * len + 8);
	words->words = sn_calloc(len + 4, sizeof(*words->words));
	words->count = 0;
	line = skip_blanks(line);
	line = take_word(words, &out, line, strcspn(line, " \t\r\n/"));
	while ((n = option_words(line, options))) {
		for (; n > 0 && *line; n--)
			line = take_word(words, &out, line, strcspn(line, " \t\r\n"));
	}
	len = strlen(line);
	while (len > 0 && is_blank(line[len - 1]))
		len--;
	if (!len)
		return;
	take_word(words, &out, "--", 2);
	take_word(words, &out, line, len);
}

/* Behind the quote that ends what begins at `p`; the line's end when none does. */
static const char *skip_quoted(const char *p, bool text)
{
	char quote = *p++;

	for (; *p && *p != quote; p++) {
		if (*p == '\\' && p[1] && (text || quote == '"'))
			p++;
	}
	return *p ? p + 1 : p;
}

size_t words_command(const char *line, bool text)
{
	const char *p = line;

	while (*p && *p != ';') {
		if (!text && *p == '#' && (p == line || is_blank(p[-1])))
			return strlen(line);
		if (*p == '\'' || *p == '"') {
			p = skip_quoted(p, text);
			continue;
		}
		if (*p == '\\' && p[1])
			p++;
		p++;
	}
	return (size_t)(p - line);
}

char *words_going_on(const char *line, const struct command_option *options)
{
	const char *p = skip_blanks(line);
	size_t n;

	line = p;
	p = skip_blanks(p + strcspn(p, " \t\r\n/"));
	while ((n = option_words(p, options))) {
		for (; n > 0 && *p; n--)
			p = skip_blanks(p + strcspn(p, " \t\r\n"));
	}
	if (*p == '/')
		p += strcspn(p, " \t\r\n");
	return sn_strndup(line, (size_t)(p - line));
}

void words_release(struct words *words)
{
	free(words->text);
	free(words->words);
	memset(words, 0, sizeof(*words));
}
