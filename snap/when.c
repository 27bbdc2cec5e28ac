// SPDX-License-Identifier: Apache-2.0
#include "snap/when.h"

#include "core/base/guard.h"
#include "core/base/interrupt.h"
#include "core/base/mem.h"

#include <errno.h>

static const char *const change_names[] = {
	[WHEN_FIRST] = "first",
	[WHEN_SAME] = "same",
	[WHEN_CHANGED] = "changed",
	[WHEN_MAYBE] = "maybe",
};

const char *when_change_name(enum when_change change)
{
	return change_names[change];
}

enum when_change when_change_of(const char *name)
{
	for (size_t i = 0; i < sn_countof(change_names); i++) {
		if (strcmp(name, change_names[i]) == 0)
			return (enum when_change)i;
	}
	return WHEN_FIRST;
}

/* ---- stretches and intervals ---- */

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same_value(const struct when_row *a, const struct when_row *b)
{
	return is_same_text(a->value, b->value) && is_same_text(a->error, b->error);
}

size_t when_stretch(const struct when_row *rows, size_t count, size_t first)
{
	size_t i = first + 1;

	while (i < count && rows[i].parent == rows[i - 1].id &&
	       is_same_value(&rows[i], &rows[i - 1]))
		i++;
	return i - first;
}

size_t when_run(const struct when_row *rows, size_t count, enum when_change change, size_t *at)
{
	size_t i = *at, run;

	while (i < count && rows[i].change != change)
		i++;
	*at = i;
	for (run = 0; i + run < count; run++) {
		const struct when_row *row = &rows[i + run];

		if (row->change != change || (run > 0 && row->parent != row[-1].id))
			break;
	}
	return run;
}

/* ---- the way through the snapshots ---- */

static int by_id(const void *a, const void *b)
{
	const struct when_row *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* Index of the parent's row among those before; `count`: it has none. */
static size_t find_parent(const struct when *when, int64_t parent)
{
	const struct when_row wanted = {.id = parent}, *row = NULL;

	if (parent && when->count)
		row = bsearch(&wanted, when->rows, when->count, sizeof(*row), by_id);
	return row ? (size_t)(row - when->rows) : when->count;
}

static void fill_row(struct when_row *row, const struct sample *sample)
{
	const struct outcome *outcome = sample->outcome;

	if (outcome->kind == OUTCOME_VALUE)
		row->value = sn_strdup(outcome->text);
	else
		row->error = sn_strdup(outcome->text);
	row->number = outcome->number;
	row->integer = outcome->integer;
	row->real = outcome->real;
	row->read = sample->read;
}

static void take_notes(struct when *when, const struct series *series)
{
	when->note_count = series_note_count(series);
	when->notes = sn_calloc(when->note_count, sizeof(*when->notes));
	for (size_t i = 0; i < when->note_count; i++)
		when->notes[i] = sn_strdup(series_note(series, i));
}

/* The outcomes are the series', one for each row. */
static void add_row(struct when *when, const struct outcome **outcomes, struct series *series,
		    const struct catalog_snapshot *snap)
{
	size_t parent = find_parent(when, snap->parent), at = when->count;
	struct when_row *row = &when->rows[at];
	struct sample sample;

	*row = (struct when_row){
		.id = snap->id, .parent = snap->parent, .created_ns = snap->created_ns};
	series_at(series, snap->id, parent < at ? outcomes[parent] : NULL,
		  at ? outcomes[at - 1] : NULL, &sample);
	outcomes[at] = sample.outcome;
	fill_row(row, &sample);
	if (parent == at)
		row->change = WHEN_FIRST;
	else if (!is_same_value(row, &when->rows[parent]))
		row->change = WHEN_CHANGED;
	else
		row->change = sample.written ? WHEN_MAYBE : WHEN_SAME;
	when->count++;
}

static void when_series_end(struct series **series)
{
	series_close(*series);
}

int snap_when(struct catalog *cat, const struct catalog_app *app, const struct series_query *query,
	      struct when *when, struct sn_err *err)
{
	sn_auto(when_series_end) struct series *series = NULL;
	sn_auto_free struct catalog_snapshot *snaps = NULL;
	sn_auto_free const struct outcome **outcomes = NULL;
	size_t count, wrong = 0;

	*when = (struct when){0};
	if (series_open(&series, cat, app->id, query, err) < 0 ||
	    catalog_snapshot_list(cat, app->id, &snaps, &count, err) < 0)
		return -1;
	when->rows = sn_calloc(count, sizeof(*when->rows));
	outcomes = sn_calloc(count, sizeof(*outcomes));
	for (size_t i = 0; i < count; i++) {
		catalog_tell(cat, i, count);
		add_row(when, outcomes, series, &snaps[i]);
		if (sn_interrupted()) {
			sn_fail(err, "Quit"); /* as gdb says it */
			err->code = EINTR;
			return -1;
		}
		wrong += outcomes[i]->kind == OUTCOME_WRONG;
	}
	take_notes(when, series);
	return count && wrong == count ? sn_fail(err, "%s", outcomes[count - 1]->text) : 0;
}

void when_release(struct when *when)
{
	for (size_t i = 0; i < when->count; i++) {
		free(when->rows[i].value);
		free(when->rows[i].error);
	}
	free(when->rows);
	for (size_t i = 0; i < when->note_count; i++)
		free(when->notes[i]);
	free(when->notes);
	*when = (struct when){0};
}
