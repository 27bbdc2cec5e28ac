// SPDX-License-Identifier: Apache-2.0
/*
 * An inspect that is moved from snapshot to snapshot as long as the modules are the same, and
 * opened anew where they are not. Evidence of every evaluation is kept with its outcome.
 */
#include "snap/inspect/series.h"

#include "snap/inspect/eval.h"
#include "snap/inspect/evidence.h"
#include "snap/inspect/format.h"

#include <errno.h>

enum {
	/* Values and frames stay in an inspect until it is closed: with more it is. */
	ARENA_MAX_BYTES = 256 << 20,
};

struct finding {
	struct outcome outcome; /* first: what is handed out */
	struct reads reads;
	bool has_reads; /* else nothing is known of what it went by */
	struct finding *next;
};

struct series {
	struct catalog *cat;
	int64_t app_id;
	struct series_query query;
	struct catalog_locator *locator;
	struct inspect *in; /* NULL: none is open */
	uint64_t opened;
	struct finding *findings;
	char **notes;
	size_t note_count;
};

int series_open(struct series **out, struct catalog *cat, int64_t app_id,
		const struct series_query *query, struct sn_err *err)
{
	struct catalog_locator *locator;
	struct series *series;

	if (catalog_locator_open(&locator, cat, app_id, err) < 0)
		return -1;
	series = *out = sn_calloc(1, sizeof(*series));
	series->cat = cat;
	series->app_id = app_id;
	series->query = *query;
	series->locator = locator;
	return 0;
}

void series_close(struct series *series)
{
	if (!series)
		return;
	while (series->findings) {
		struct finding *finding = series->findings;

		series->findings = finding->next;
		free(finding->outcome.text);
		free(finding->outcome.no_truth);
		reads_release(&finding->reads);
		free(finding);
	}
	for (size_t i = 0; i < series->note_count; i++)
		free(series->notes[i]);
	free(series->notes);
	inspect_close(series->in);
	catalog_locator_close(series->locator);
	free(series);
}

size_t series_note_count(const struct series *series)
{
	return series->note_count;
}

const char *series_note(const struct series *series, size_t i)
{
	return series->notes[i];
}

/* ---- being there ---- */

static void add_note(struct series *series, const char *line)
{
	for (size_t i = 0; i < series->note_count; i++) {
		if (strcmp(series->notes[i], line) == 0)
			return;
	}
	series->notes = sn_realloc(series->notes, series->note_count + 1, sizeof(*series->notes));
	series->notes[series->note_count++] = sn_strdup(line);
}

static int open_at(struct series *series, int64_t id, struct sn_err *err)
{
	inspect_close(series->in);
	series->in = NULL;
	if (inspect_open_series(&series->in, series->cat, series->query.debug, series->locator,
				series->app_id, id, err) < 0)
		return -1;
	series->in->serial = ++series->opened;
	inspect_set_variables(series->in, series->query.variables);
	for (size_t i = 0; i < inspect_note_count(series->in); i++)
		add_note(series, inspect_note(series->in, i));
	return 0;
}

static int go_to(struct series *series, int64_t id, struct sn_err *err)
{
	int moved = 0;

	if (series->in && series->in->arena_bytes < ARENA_MAX_BYTES)
		moved = inspect_move(series->in, id, err);
	return moved ? (moved < 0 ? -1 : 0) : open_at(series, id, err);
}

/* ---- evaluating ---- */

static struct finding *add_finding(struct series *series)
{
	struct finding *finding = sn_calloc(1, sizeof(*finding));

	finding->outcome.truth = -1;
	finding->next = series->findings;
	series->findings = finding;
	return finding;
}

static void fail(struct outcome *outcome, enum outcome_kind kind, const char *why)
{
	outcome->kind = kind;
	outcome->text = sn_strdup(why);
}

/* As numbers, what a plot is drawn of; addresses are none. */
static void find_number(struct inspect *in, struct value *value, struct outcome *outcome)
{
	struct type *type = type_strip(value->type);
	struct sn_err ignored;
	long double real;

	if (type->kind == TYPE_FLOAT) {
		if (value_to_float(in, value, &real, &ignored) < 0)
			return;
		outcome->number = NUMBER_REAL;
		outcome->real = (double)real;
		return;
	}
	if (!type_is_integer(type) || type->size > 8 ||
	    value_to_number(in, value, &outcome->integer, &ignored) < 0)
		return;
	outcome->number = NUMBER_INTEGER;
	outcome->real = (double)outcome->integer;
	/* above what the integer holds */
	if (!type->is_signed && type->kind != TYPE_ENUM && outcome->integer < 0) {
		outcome->number = NUMBER_REAL;
		outcome->real = (double)(uint64_t)outcome->integer;
	}
}

static void find_truth(struct inspect *in, struct value *value, struct outcome *outcome)
{
	struct value *decayed;
	struct sn_err why;
	bool zero;

	/* `!` takes a struct, as gdb's does; as a condition it is a slip */
	decayed = value_decay(in, value, &why);
	if (decayed && !type_is_scalar(type_strip(decayed->type)))
		outcome->no_truth = sn_strdup("a struct is neither true nor false");
	else if (decayed && value_is_zero(in, decayed, &zero, &why))
		outcome->truth = !zero;
	else
		outcome->no_truth = sn_strdup(why.text);
}

static int find_value(struct inspect *in, const struct series_query *query, struct value *value,
		      struct outcome *outcome, struct sn_err *err)
{
	struct format f = {.in = in, .letter = query->letter};
	size_t len;
	int rc;

	if (value->is_absent) {
		fail(outcome, OUTCOME_ERROR, "optimized out");
		return 0;
	}
	f.out = open_memstream(&outcome->text, &len);
	if (!f.out)
		abort();
	rc = format_top(&f, value, err);
	fclose(f.out);
	if (rc < 0) {
		free(sn_steal_ptr(&outcome->text));
		return -1;
	}
	find_number(in, value, outcome);
	find_truth(in, value, outcome);
	return 0;
}

/* A failure that a look at the types alone has, too, is the expression's. */
static enum outcome_kind kind_of_failure(const struct context *context, const struct node *node,
					 const struct sn_err *why)
{
	struct sn_err dry;

	if (why->code == EFAULT || eval(context, node, true, &dry))
		return OUTCOME_ERROR;
	return strcmp(dry.text, why->text) == 0 ? OUTCOME_WRONG : OUTCOME_ERROR;
}

static void evaluate(struct inspect *in, const struct series_query *query, struct outcome *outcome)
{
	struct context context;
	struct value *value;
	struct node *node;
	struct sn_err err;

	if (context_at(in, query->spot, &context, &err) < 0) {
		fail(outcome, OUTCOME_ERROR, err.text);
		return;
	}
	node = parse_expression(&context, query->expression, &err);
	if (!node) {
		fail(outcome, OUTCOME_WRONG, err.text);
		return;
	}
	value = eval(&context, node, false, &err);
	if (!value || find_value(in, query, value, outcome, &err) < 0)
		fail(outcome, kind_of_failure(&context, node, &err), err.text);
}

static struct finding *find_here(struct series *series)
{
	struct finding *finding = add_finding(series);
	struct inspect *in = series->in;

	in->reads = &finding->reads;
	evaluate(in, &series->query, &finding->outcome);
	in->reads = NULL;
	reads_end(&finding->reads, in, series->query.spot);
	finding->has_reads = true;
	return finding;
}

static bool holds(struct series *series, const struct outcome *outcome)
{
	const struct finding *finding = (const struct finding *)outcome;

	return finding && finding->has_reads &&
	       evidence_holds(series->in, series->query.spot, &finding->reads);
}

static bool is_written(struct series *series, const struct outcome *outcome)
{
	const struct finding *finding = (const struct finding *)outcome;

	return finding && (!finding->has_reads || evidence_is_written(series->in, &finding->reads));
}

void series_at(struct series *series, int64_t id, const struct outcome *like,
	       const struct outcome *other, struct sample *sample)
{
	struct finding *finding;
	struct sn_err err;

	*sample = (struct sample){0};
	if (go_to(series, id, &err) < 0) {
		finding = add_finding(series);
		fail(&finding->outcome, OUTCOME_ERROR, err.text);
		*sample = (struct sample){&finding->outcome, true, true};
		return;
	}
	if (holds(series, like)) {
		sample->outcome = like;
		return;
	}
	sample->written = is_written(series, like);
	if (other != like && holds(series, other)) {
		sample->outcome = other;
	} else {
		sample->outcome = &find_here(series)->outcome;
		sample->read = true;
	}
}
