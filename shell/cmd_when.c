// SPDX-License-Identifier: Apache-2.0
/* The value of an expression over the snapshots: stretches, where it changed, and a plot. */
#include "snap/when.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/commands.h"
#include "shell/format.h"
#include "shell/looking.h"
#include "shell/plot.h"
#include "shell/progress.h"
#include "shell/wire.h"

#include <math.h>
#include <time.h>

enum {
	PLOT_LINES = 5,
	WIDTH_OTHERWISE = 80,
	LABEL_MAX = 24,
	LISTED_MAX = 8, /* intervals in a row that are named one by one */
};

/* ---- asking ---- */

static json_t *number_json(const struct when_row *row)
{
	if (row->number == NUMBER_INTEGER)
		return json_integer(row->integer);
	if (row->number == NUMBER_REAL && isfinite(row->real))
		return json_real(row->real);
	return json_null();
}

static json_t *row_json(const struct when_row *row)
{
	return json_pack("{s:I, s:I, s:I, s:o, s:o, s:o, s:s, s:b}", "id", (json_int_t)row->id,
			 "parent", (json_int_t)row->parent, "created_ns",
			 (json_int_t)row->created_ns, "value",
			 row->value ? json_text(row->value) : json_null(), "error",
			 row->error ? json_text(row->error) : json_null(), "number",
			 number_json(row), "changed", when_change_name(row->change), "read",
			 row->read);
}

int cmd_when(struct request *rq, struct sn_err *err)
{
	sn_auto(when_release) struct when when = {0};
	sn_auto_free char *words = looking_text(rq), *format = NULL;
	const char *text = words;
	struct series_query query = {.variables = rq->shell->variables};
	struct progress *progress;
	struct catalog_app app;
	int named, rc;

	format = looking_format(&text);
	if (!*text)
		return request_usage(rq, err, "when needs EXPR");
	if (looking_letter(format, "when", &query.letter, err) < 0 ||
	    looking_any_spot(rq, &query.spot, err) < 0)
		return -1;
	named = looking_named(rq, (char *)text, &app, err);
	if (named < 0 || (!named && looking_app(rq, &app, err) < 0))
		return -1;
	query.expression = text;
	query.debug = rq->shell->debug;
	progress = progress_begin("when", rq->shell->catalog);
	rc = snap_when(rq->shell->catalog, &app, &query, &when, err);
	progress_end(progress);
	looking_warn(rq, when.notes, when.note_count);
	if (rc < 0)
		return -1;
	rq->result = json_array();
	for (size_t i = 0; i < when.count; i++)
		json_array_append_new(rq->result, row_json(&when.rows[i]));
	return 0;
}

/* ---- showing ---- */

/* The rows as they were; texts are the JSON's. */
static struct when_row *rows_of(const json_t *result)
{
	struct when_row *rows = sn_calloc(json_array_size(result), sizeof(*rows));
	const json_t *row, *number;
	size_t i;

	json_array_foreach(result, i, row) {
		number = json_object_get(row, "number");
		rows[i] = (struct when_row){
			.id = wire_number(row, "id"),
			.parent = wire_number(row, "parent"),
			.created_ns = wire_number(row, "created_ns"),
			.value = (char *)wire_string(row, "value"),
			.error = (char *)wire_string(row, "error"),
			.number = json_is_number(number) ? NUMBER_REAL : NUMBER_NONE,
			.real = json_number_value(number),
			.change = when_change_of(wire_string(row, "changed")),
		};
	}
	return rows;
}

static void render_stretch(FILE *out, const struct when_row *first, size_t count, bool is_branch,
			   int64_t now_ns)
{
	const struct when_row *last = first + count - 1;
	sn_auto_free char *range =
		count > 1 ? sn_asprintf("%ld..%ld", (long)first->id, (long)last->id)
			  : sn_asprintf("%ld", (long)first->id);
	sn_auto_free char *from = is_branch ? sn_asprintf(" (from %ld)", (long)first->parent)
					    : sn_strdup("");
	sn_auto_free char *ids = sn_asprintf("%s%s", range, from);
	char age[FORMAT_MAX];

	fprintf(out, "%-16s  %-16s  %s%s%s\n", ids, format_age(age, first->created_ns, now_ns),
		first->value ? "" : "<", first->value ? first->value : first->error,
		first->value ? "" : ">");
}

static void render_table(FILE *out, const struct when_row *rows, size_t count)
{
	struct timespec now;
	size_t stretch;

	clock_gettime(CLOCK_REALTIME, &now);
	fprintf(out, "%-16s  %-16s  %s\n", "SNAPSHOTS", "TAKEN", "VALUE");
	for (size_t i = 0; i < count; i += stretch) {
		bool is_branch = i > 0 && rows[i].parent && rows[i].parent != rows[i - 1].id;

		stretch = when_stretch(rows, count, i);
		render_stretch(out, &rows[i], stretch, is_branch,
			       now.tv_sec * INT64_C(1000000000) + now.tv_nsec);
	}
}

/* "changed between @12 and @13"; many in a row are one line. */
static void render_intervals(FILE *out, const struct when_row *rows, size_t count,
			     enum when_change change, const char *what)
{
	size_t at = 0, run;

	for (; (run = when_run(rows, count, change, &at)); at += run) {
		if (run > LISTED_MAX) {
			fprintf(out, "%s between each two from @%ld to @%ld\n", what,
				(long)rows[at].parent, (long)rows[at + run - 1].id);
			continue;
		}
		for (size_t i = at; i < at + run; i++)
			fprintf(out, "%s between @%ld and @%ld\n", what, (long)rows[i].parent,
				(long)rows[i].id);
	}
}

/* The ids below the plot's ends. */
static void render_axis(FILE *out, size_t label, size_t width, int64_t first, int64_t last)
{
	sn_auto_free char *left = sn_asprintf("@%ld", (long)first);
	sn_auto_free char *right = sn_asprintf("@%ld", (long)last);
	size_t taken = label + 2 + strlen(left) + strlen(right);

	fprintf(out, "%*s%s%*s%s\n", (int)label + 2, "", left,
		taken < width ? (int)(width - taken) : 1, "", right);
}

static void render_plot(FILE *out, const struct when_row *rows, size_t count, size_t width)
{
	sn_auto_free double *values = sn_calloc(count, sizeof(*values));
	sn_auto_free char *text = NULL;
	const struct when_row *least = NULL, *greatest = NULL;
	struct plot plot = {.width = width, .height = PLOT_LINES};
	size_t label;

	for (size_t i = 0; i < count; i++) {
		values[i] = rows[i].number == NUMBER_NONE ? NAN : rows[i].real;
		if (rows[i].number == NUMBER_NONE)
			continue;
		least = least && least->real <= rows[i].real ? least : &rows[i];
		greatest = greatest && greatest->real >= rows[i].real ? greatest : &rows[i];
	}
	if (!least || count < 2 || strlen(least->value) > LABEL_MAX ||
	    strlen(greatest->value) > LABEL_MAX)
		return;
	plot.blocks = plot_has_blocks();
	plot.top = greatest->value;
	plot.bottom = least->value;
	if (least->real == greatest->real)
		plot.height = 1;
	text = plot_draw(&plot, values, count);
	if (!*text)
		return;
	label = strlen(plot.top) > strlen(plot.bottom) ? strlen(plot.top) : strlen(plot.bottom);
	fprintf(out, "\n%s", text);
	render_axis(out, label, plot.width, rows[0].id, rows[count - 1].id);
}

void render_when(FILE *out, const struct request *rq)
{
	size_t count = json_array_size(rq->result);
	sn_auto_free struct when_row *rows = rows_of(rq->result);

	if (!count) {
		fputs("no snapshots yet; \"snapsh snap\" takes one\n", out);
		return;
	}
	render_table(out, rows, count);
	render_intervals(out, rows, count, WHEN_CHANGED, "changed");
	render_intervals(out, rows, count, WHEN_MAYBE, "may have changed and back");
	render_plot(out, rows, count,
		    rq->screen.width == SIZE_MAX ? WIDTH_OTHERWISE : rq->screen.width);
}
