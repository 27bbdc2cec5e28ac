// SPDX-License-Identifier: Apache-2.0
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/base/pagemap.h"
#include "shell/app.h"
#include "shell/client.h"
#include "shell/commands.h"
#include "shell/format.h"
#include "shell/paper.h"
#include "shell/wire.h"

#include <string.h>
#include <time.h>

/* "myapp: running, pid 4711, at 3": where the application is now; malloc'd. */
static char *where_is(const struct catalog_app *app)
{
	json_t *row = app_json(app, 0);
	const char *state = wire_string(row, "state");
	sn_auto_free char *at = NULL, *pid = NULL;
	char end[FORMAT_MAX];
	char *text;

	at = app->current ? sn_asprintf(", at %lld", (long long)app->current) : sn_strdup("");
	pid = app_alive(app) ? sn_asprintf(", pid %d", (int)app->pid) : sn_strdup("");
	if (strcmp(state, "ended") == 0)
		state = app_end_words(end, row);
	text = sn_asprintf("%s: %s%s%s", app->name, state, pid, at);
	json_decref(row);
	return text;
}

int cmd_list(struct request *rq, struct sn_err *err)
{
	sn_auto_free struct catalog_snapshot *snaps = NULL;
	struct catalog_app app;
	size_t count;

	if (client_app(rq->shell, request_word(rq, 0), &app, err) < 0 ||
	    catalog_snapshot_list(rq->shell->catalog, app.id, &snaps, &count, err) < 0)
		return -1;
	rq->result = snapshots_json(&app, snaps, count);
	rq->text = where_is(&app);
	return 0;
}

/* Columns that may be left out, and how wide the others have to be. */
struct columns {
	int taken; /* width of "2m ago" or a date */
	bool from;
	bool stored;
	bool stopped;
};

enum {
	FIXED = 2 + 4 + 2 + 2 + 9 + 2, /* mark, id, blanks, changed */
	FIGURE = 9 + 2,
	PARENT = 4 + 2,
	MESSAGE_MIN = 16,
};

static int64_t time_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* The parent says something where it is not the row before. What has the least to say goes
 * first where the terminal is narrow. */
static struct columns choose(const json_t *rows, const struct paper *paper, int64_t now_ns)
{
	struct columns columns = {.taken = (int)strlen("TAKEN"), .stored = true, .stopped = true};
	char age[FORMAT_MAX];
	long long before = 0;
	const json_t *row;
	size_t need, i;

	json_array_foreach(rows, i, row) {
		int len = (int)strlen(format_age(age, wire_number(row, "created_ns"), now_ns));

		columns.taken = len > columns.taken ? len : columns.taken;
		columns.from |= wire_number(row, "parent") != before;
		before = wire_number(row, "id");
	}
	need = FIXED + (size_t)columns.taken + MESSAGE_MIN + (columns.from ? PARENT : 0);
	columns.stopped = paper->width >= need + 2 * FIGURE;
	columns.stored = paper->width >= need + FIGURE;
	return columns;
}

static bool is(const json_t *row, const char *key)
{
	return json_is_true(json_object_get(row, key));
}

static void put_row(struct paper *paper, const struct columns *columns, const json_t *row,
		    int64_t now_ns)
{
	char age[FORMAT_MAX], changed[FORMAT_MAX], stored[FORMAT_MAX], stopped[FORMAT_MAX];
	const char *tag = wire_string(row, "tag");
	long long parent = wire_number(row, "parent");

	paper_put(paper, SCREEN_HERE, is(row, "current") ? "*" : " ");
	paper_format(paper, SCREEN_ID, " %4lld", wire_number(row, "id"));
	if (columns->from && parent)
		paper_format(paper, NULL, "  %4lld", parent);
	else if (columns->from)
		paper_put(paper, NULL, "     -");
	paper_format(paper, NULL, "  %-*s  %9s", columns->taken,
		     format_age(age, wire_number(row, "created_ns"), now_ns),
		     format_bytes(changed, (uint64_t)wire_number(row, "dirty_pages") * PAGE_BYTES));
	if (columns->stored)
		paper_format(paper, SCREEN_DIM, "  %9s",
			     format_bytes(stored, (uint64_t)wire_number(row, "stored_bytes")));
	if (columns->stopped)
		paper_format(paper, SCREEN_DIM, "  %9s",
			     format_ns(stopped, (uint64_t)wire_number(row, "stop_ns")));
	paper_put(paper, NULL, "  ");
	if (*tag)
		paper_format(paper, SCREEN_TAG, "[%s] ", tag);
	paper_put(paper, SCREEN_DIM, is(row, "automatic") ? "(auto) " : "");
	paper_put(paper, NULL, wire_string(row, "message"));
	paper_end_line(paper);
}

static void put_head(struct paper *paper, const struct columns *columns)
{
	paper_put(paper, SCREEN_BOLD, "    ID");
	paper_put(paper, SCREEN_BOLD, columns->from ? "  FROM" : "");
	paper_format(paper, SCREEN_BOLD, "  %-*s    CHANGED", columns->taken, "TAKEN");
	paper_put(paper, SCREEN_BOLD, columns->stored ? "     STORED" : "");
	paper_put(paper, SCREEN_BOLD, columns->stopped ? "    STOPPED" : "");
	paper_put(paper, SCREEN_BOLD, "  [TAG] MESSAGE");
	paper_end_line(paper);
}

void render_list(FILE *out, const struct request *rq)
{
	struct paper paper = paper_of(out, &rq->screen);
	int64_t now_ns = time_now_ns();
	struct columns columns;
	const json_t *row;
	size_t i;

	if (!json_array_size(rq->result)) {
		fputs("no snapshots yet; \"snapsh snap\" takes one\n", out);
		return;
	}
	columns = choose(rq->result, &paper, now_ns);
	put_head(&paper, &columns);
	json_array_foreach(rq->result, i, row)
		put_row(&paper, &columns, row, now_ns);
	paper_put(&paper, NULL, rq->text);
	paper_end_line(&paper);
}
