// SPDX-License-Identifier: Apache-2.0
#include "shell/print_options.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <stddef.h>

enum kind {
	KIND_FLAG,
	KIND_COUNT, /* 0: no limit */
	KIND_DEPTH, /* 0 is one; -1: no limit */
};

static const struct option {
	const char *name;
	enum kind kind;
	size_t at;	   /* in struct print_options */
	const char *title; /* what `show` says */
} table[] = {
	{"address", KIND_FLAG, offsetof(struct print_options, address), "Printing of addresses"},
	{"array", KIND_FLAG, offsetof(struct print_options, array), "Pretty formatting of arrays"},
	{"array-indexes", KIND_FLAG, offsetof(struct print_options, indexes),
	 "Printing of array indexes"},
	{"elements", KIND_COUNT, offsetof(struct print_options, elements),
	 "Limit on string chars or array elements to print"},
	{"max-depth", KIND_DEPTH, offsetof(struct print_options, max_depth), "Maximum print depth"},
	{"null-stop", KIND_FLAG, offsetof(struct print_options, null_stop),
	 "Printing of char arrays to stop at first null char"},
	{"pretty", KIND_FLAG, offsetof(struct print_options, pretty),
	 "Pretty formatting of structures"},
	{"repeats", KIND_COUNT, offsetof(struct print_options, repeats),
	 "Threshold for repeated print elements"},
	{"symbol", KIND_FLAG, offsetof(struct print_options, symbol),
	 "Printing of symbols when printing pointers"},
	{"union", KIND_FLAG, offsetof(struct print_options, unions),
	 "Printing of unions interior to structures"},
};

/* By its name, or a beginning that no other has; how many there are. */
static size_t find_all(const char *words, const struct option **found)
{
	size_t len = strcspn(words, " \t"), count = 0;

	for (size_t i = 0; i < sn_countof(table); i++) {
		if (strncmp(table[i].name, words, len) != 0)
			continue;
		*found = &table[i];
		count++;
		if (!table[i].name[len])
			return 1;
	}
	return count;
}

static const struct option *find(const char *words, const char *verb, struct sn_err *err)
{
	const struct option *found = NULL;
	size_t count = find_all(words, &found);

	if (count > 1)
		sn_fail(err, "Ambiguous %s print command \"%s\".", verb, words);
	if (count == 0)
		sn_fail(err, "Undefined %s print command: \"%s\".  Try \"help set\".", verb, words);
	return count == 1 ? found : NULL;
}

/* 1 on, 0 off, -1 neither. */
static int truth_of(const char *word, size_t len)
{
	static const char *const words[2][4] = {{"off", "0", "no", "disable"},
						{"on", "1", "yes", "enable"}};

	for (int truth = 0; truth < 2; truth++) {
		for (size_t i = 0; i < sn_countof(words[truth]); i++) {
			if (strlen(words[truth][i]) == len &&
			    strncmp(words[truth][i], word, len) == 0)
				return truth;
		}
	}
	return -1;
}

static int set_flag(bool *flag, const char *word, struct sn_err *err)
{
	int truth = *word ? truth_of(word, strlen(word)) : 1;

	if (truth < 0)
		return sn_fail(err, "\"on\" or \"off\" expected.");
	*flag = truth;
	return 0;
}

static int set_limit(uint64_t *limit, enum kind kind, const char *word, struct sn_err *err)
{
	bool negative = word[0] == '-';
	const char *digits = word + negative;
	size_t len = strspn(digits, "0123456789");
	uint64_t number = strtoul(digits, NULL, 10);

	if (!*word)
		return sn_fail(err, "Argument required (integer to set it to, or \"unlimited\").");
	if (strcmp(word, "unlimited") == 0) {
		*limit = UINT64_MAX;
		return 0;
	}
	if (!len || digits[len])
		return sn_fail(err, "\"%s\" is not a number", word);
	if (len > 10 || number > INT32_MAX || (negative && (kind == KIND_COUNT || number != 1)))
		return sn_fail(err, "integer %s out of range", word);
	*limit = negative || (number == 0 && kind == KIND_COUNT) ? UINT64_MAX : number;
	return 0;
}

int print_options_set(struct print_options *options, const char *words, struct sn_err *err)
{
	const struct option *option = find(words, "set", err);
	const char *word = words + strcspn(words, " \t");
	void *field = (uint8_t *)options + (option ? option->at : 0);

	if (!option)
		return -1;
	word += strspn(word, " \t");
	return option->kind == KIND_FLAG ? set_flag(field, word, err)
					 : set_limit(field, option->kind, word, err);
}

/* Behind the next word and the blanks after it. */
static const char *behind_word(const char *text)
{
	text += strcspn(text, " \t");
	return text + strspn(text, " \t");
}

/* Where "--" stands as a word of its own; NULL: nowhere. */
static const char *delimiter(const char *words)
{
	for (const char *at = words; *at; at = behind_word(at)) {
		if (strncmp(at, "--", 2) == 0 && (!at[2] || at[2] == ' ' || at[2] == '\t'))
			return at;
	}
	return NULL;
}

const char *print_options_take(struct print_options *options, const char *words, struct sn_err *err)
{
	const char *end = *words == '-' ? delimiter(words) : NULL;

	while (end && words < end) {
		const char *begin = words, *value = behind_word(words);
		const struct option *option = NULL;
		size_t len = strcspn(value, " \t");
		sn_auto_free char *text = NULL;

		if (*words != '-' || find_all(words + 1, &option) != 1) {
			sn_fail(err, "Unrecognized option at: %s", begin);
			return NULL;
		}
		if (option->kind == KIND_FLAG && truth_of(value, len) < 0)
			len = 0;
		text = sn_asprintf("%s %.*s", option->name, (int)len, value);
		if ((value == end && option->kind != KIND_FLAG) ||
		    print_options_set(options, text, err) < 0) {
			if (value == end)
				sn_fail(err, "-%s requires an argument", option->name);
			return NULL;
		}
		words = len ? behind_word(value) : value;
	}
	return end ? behind_word(end) : words;
}

static char *line_of(const struct print_options *options, const struct option *option)
{
	const void *field = (const uint8_t *)options + option->at;
	uint64_t limit;

	if (option->kind == KIND_FLAG)
		return sn_asprintf("%s is %s.\n", option->title,
				   *(const bool *)field ? "on" : "off");
	limit = *(const uint64_t *)field;
	return limit == UINT64_MAX ? sn_asprintf("%s is unlimited.\n", option->title)
				   : sn_asprintf("%s is %lu.\n", option->title, limit);
}

char *print_options_show(const struct print_options *options, const char *name, struct sn_err *err)
{
	const struct option *option = *name ? find(name, "show", err) : NULL;
	char *lines;

	if (*name)
		return option ? line_of(options, option) : NULL;
	lines = sn_strdup("");
	for (size_t i = 0; i < sn_countof(table); i++) {
		sn_auto_free char *before = lines, *line = line_of(options, &table[i]);

		lines = sn_asprintf("%s%s:  %s", before, table[i].name, line);
	}
	return lines;
}
