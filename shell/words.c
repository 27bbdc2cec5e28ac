// SPDX-License-Identifier: Apache-2.0
#include "shell/words.h"

#include "core/base/mem.h"

#include <stdbool.h>

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

/* Copies one word, quotes removed. What is behind it, or NULL. */
static const char *copy_word(char **out, const char *in, struct sn_err *err)
{
	while (*in && !is_blank(*in)) {
		if (*in == '\'' || *in == '"') {
			char quote = *in;

			in = copy_quoted(out, in + 1, quote);
			if (!in) {
				sn_fail(err, "a %c without its partner", quote);
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

int words_split(struct words *words, const char *line, struct sn_err *err)
{
	size_t len = strlen(line);
	char *out;

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
		line = copy_word(&out, line, err);
		if (!line) {
			words_release(words);
			return -1;
		}
	}
}

void words_release(struct words *words)
{
	free(words->text);
	free(words->words);
	memset(words, 0, sizeof(*words));
}
