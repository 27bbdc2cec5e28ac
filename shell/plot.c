// SPDX-License-Identifier: Apache-2.0
#include "shell/plot.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <math.h>
#include <strings.h>

enum {
	BLOCK_STEPS = 8, /* of a character */
	ASCII_STEPS = 2,
	COLUMNS_MIN = 8, /* less is no plot */
};

static const char *const blocks[] = {" ", "\u2581", "\u2582", "\u2583", "\u2584",
				     "\u2585", "\u2586", "\u2587", "\u2588"};
static const char *const ascii[] = {" ", ".", "#"};

bool plot_has_blocks(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sn_countof(names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

struct range {
	double least, greatest;
	bool is_empty;
};

static struct range range_of(const double *values, size_t count)
{
	struct range range = {.is_empty = true};

	for (size_t i = 0; i < count; i++) {
		if (!isfinite(values[i]))
			continue;
		if (range.is_empty || values[i] < range.least)
			range.least = values[i];
		if (range.is_empty || values[i] > range.greatest)
			range.greatest = values[i];
		range.is_empty = false;
	}
	return range;
}

/* The greatest of a column's numbers in steps; 0: it has none. */
static size_t level_of(const struct range *range, const double *values, size_t count, size_t levels)
{
	struct range own = range_of(values, count);
	double share;

	if (own.is_empty)
		return 0;
	/* halves: the distance of two doubles may be none */
	share = range->greatest > range->least
			? (own.greatest / 2 - range->least / 2) /
				  (range->greatest / 2 - range->least / 2)
			: 0;
	return 1 + (size_t)(share * (double)(levels - 1) + 0.5);
}

static size_t *levels_of(const double *values, size_t count, size_t columns, size_t levels)
{
	struct range range = range_of(values, count);
	size_t *all = sn_calloc(columns, sizeof(*all));

	for (size_t c = 0; c < columns; c++) {
		size_t from = c * count / columns, to = (c + 1) * count / columns;

		all[c] = level_of(&range, values + from, to > from ? to - from : 1, levels);
	}
	return all;
}

static void draw_line(FILE *out, const struct plot *plot, const size_t *levels, size_t columns,
		      size_t below)
{
	size_t steps = plot->blocks ? BLOCK_STEPS : ASCII_STEPS, blank = 0;

	for (size_t c = 0; c < columns; c++) {
		size_t step = levels[c] > below ? levels[c] - below : 0;

		if (!step) {
			blank++;
			continue;
		}
		fprintf(out, "%*s", (int)blank, "");
		blank = 0;
		step = step < steps ? step : steps;
		fputs(plot->blocks ? blocks[step] : ascii[step], out);
	}
	fputc('\n', out);
}

char *plot_draw(const struct plot *plot, const double *values, size_t count)
{
	size_t steps = plot->blocks ? BLOCK_STEPS : ASCII_STEPS, len;
	size_t top = strlen(plot->top), bottom = strlen(plot->bottom);
	size_t label = top > bottom ? top : bottom, columns = plot->width - label - 2;
	sn_auto_free size_t *levels = NULL;
	FILE *out;
	char *text;

	if (range_of(values, count).is_empty || plot->width < label + 2 + COLUMNS_MIN)
		return sn_strdup("");
	levels = levels_of(values, count, columns, plot->height * steps);
	out = open_memstream(&text, &len);
	if (!out)
		abort();
	for (size_t line = plot->height; line-- > 0;) {
		const char *name = line == plot->height - 1 ? plot->top
				   : line == 0		    ? plot->bottom
							    : "";

		fprintf(out, "%*s |", (int)label, name);
		draw_line(out, plot, levels, columns, line * steps);
	}
	fclose(out);
	return text;
}
