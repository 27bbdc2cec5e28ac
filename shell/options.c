// SPDX-License-Identifier: Apache-2.0
#include "shell/options.h"

#include <string.h>

/* One option found in a table, and the place of its value. */
struct hit {
	const struct command_option *option;
	const char **value;
};

static bool find_long(const struct option_set sets[2], const char *name, size_t len,
		      struct hit *hit)
{
	for (int s = 0; s < 2; s++) {
		const struct command_option *o = sets[s].table;

		for (size_t i = 0; o && o[i].name; i++) {
			if (strlen(o[i].name) != len || strncmp(o[i].name, name, len) != 0)
				continue;
			*hit = (struct hit){&o[i], &sets[s].values[i]};
			return true;
		}
	}
	return false;
}

static bool find_letter(const struct option_set sets[2], char letter, struct hit *hit)
{
	for (int s = 0; s < 2; s++) {
		const struct command_option *o = sets[s].table;

		for (size_t i = 0; o && o[i].name; i++) {
			if (o[i].letter != letter)
				continue;
			*hit = (struct hit){&o[i], &sets[s].values[i]};
			return true;
		}
	}
	return false;
}

/* "--name", "--name=value", or with its value in the next word. Words used, or -1. */
static int parse_long(const struct option_set sets[2], char **argv, struct sn_err *err)
{
	const char *name = argv[0] + 2;
	const char *value = strchr(name, '=');
	size_t len = value ? (size_t)(value - name) : strlen(name);
	struct hit hit;

	if (!find_long(sets, name, len, &hit))
		return sn_fail(err, "there is no option --%.*s", (int)len, name);
	if (!hit.option->value) {
		if (value)
			return sn_fail(err, "--%s takes no value", hit.option->name);
		*hit.value = "";
		return 1;
	}
	if (value) {
		*hit.value = value + 1;
		return 1;
	}
	if (!argv[1])
		return sn_fail(err, "--%s needs a value: %s", hit.option->name, hit.option->value);
	*hit.value = argv[1];
	return 2;
}

/* "-dn NAME": flags, and at the end perhaps one with a value. Words used, or -1. */
static int parse_letters(const struct option_set sets[2], char **argv, struct sn_err *err)
{
	for (const char *p = argv[0] + 1; *p; p++) {
		struct hit hit;

		if (!find_letter(sets, *p, &hit))
			return sn_fail(err, "there is no option -%c", *p);
		if (!hit.option->value) {
			*hit.value = "";
			continue;
		}
		if (p[1]) {
			*hit.value = p + 1;
			return 1;
		}
		if (!argv[1])
			return sn_fail(err, "-%c needs a value: %s", *p, hit.option->value);
		*hit.value = argv[1];
		return 2;
	}
	return 1;
}

int options_parse(const struct option_set sets[2], bool words_last, char **argv, size_t *count,
		  struct sn_err *err)
{
	bool verbatim = false;
	size_t words = 0;

	while (*argv) {
		int used;

		if (!verbatim && strcmp(*argv, "--") == 0) {
			verbatim = true;
			for (size_t i = 0; argv[i]; i++)
				argv[i] = argv[i + 1];
			continue;
		}
		/* "-5" is a number */
		if (verbatim || argv[0][0] != '-' || strchr("0123456789", argv[0][1])) {
			verbatim |= words_last;
			words++;
			argv++;
			continue;
		}
		if (argv[0][1] == '-')
			used = parse_long(sets, argv, err);
		else
			used = parse_letters(sets, argv, err);
		if (used < 0)
			return -1;
		for (size_t i = 0;; i++) {
			argv[i] = argv[i + (size_t)used];
			if (!argv[i])
				break;
		}
	}
	*count = words;
	return 0;
}
