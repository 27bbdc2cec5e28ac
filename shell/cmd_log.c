// SPDX-License-Identifier: Apache-2.0
/* The history as a graph: one line a snapshot, cut to the terminal's width. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/base/pagemap.h"
#include "shell/app.h"
#include "shell/client.h"
#include "shell/commands.h"
#include "shell/format.h"
#include "shell/graph.h"
#include "shell/paper.h"
#include "shell/wire.h"

#include <string.h>
#include <time.h>

int cmd_log(struct request *rq, struct sn_err *err)
{
	json_t *newest_first;

	if (cmd_list(rq, err) < 0)
		return -1;
	newest_first = json_array();
	for (size_t i = json_array_size(rq->result); i-- > 0;)
		json_array_append(newest_first, json_array_get(rq->result, i));
	json_decref(rq->result);
	rq->result = newest_first;
	return 0;
}

static bool is(const json_t *row, const char *key)
{
	return json_is_true(json_object_get(row, key));
}

/* "(here, auto, boss)  " */
static void put_marks(struct paper *paper, const json_t *row)
{
	const char *marks[] = {is(row, "current") ? "here" : "", is(row, "automatic") ? "auto" : "",
			       wire_string(row, "tag")};
	static const char *const colours[] = {SCREEN_HERE, SCREEN_DIM, SCREEN_TAG};
	const char *before = "(";

	for (size_t i = 0; i < sn_countof(marks); i++) {
		if (!*marks[i])
			continue;
		paper_put(paper, NULL, before);
		paper_put(paper, colours[i], marks[i]);
		before = ", ";
	}
	if (*before == ',')
		paper_put(paper, NULL, ")  ");
}

static void put_row(struct paper *paper, const json_t *row, const char *node, int64_t now_ns)
{
	char age[FORMAT_MAX], changed[FORMAT_MAX], stored[FORMAT_MAX], stopped[FORMAT_MAX];
	sn_auto_free char *id = sn_asprintf(" %lld", wire_number(row, "id"));
	sn_auto_free char *figures = sn_asprintf(
		"%s changed, %s stored, stopped %s",
		format_bytes(changed, (uint64_t)wire_number(row, "dirty_pages") * PAGE_BYTES),
		format_bytes(stored, (uint64_t)wire_number(row, "stored_bytes")),
		format_ns(stopped, (uint64_t)wire_number(row, "stop_ns")));
	const char *message = wire_string(row, "message");

	paper_put(paper, NULL, node);
	paper_put(paper, SCREEN_ID, id);
	paper_put(paper, NULL, "  ");
	paper_put(paper, NULL, format_age(age, wire_number(row, "created_ns"), now_ns));
	paper_put(paper, NULL, "  ");
	put_marks(paper, row);
	paper_put(paper, NULL, message);
	paper_put(paper, NULL, *message ? "  " : "");
	paper_put(paper, SCREEN_DIM, figures);
	paper_end_line(paper);
}

static void put_link(struct paper *paper, const char *link)
{
	paper_put(paper, NULL, link);
	paper_end_line(paper);
}

void render_log(FILE *out, const struct request *rq)
{
	sn_auto(graph_release) struct graph graph = {.count = 0};
	struct paper paper = paper_of(out, &rq->screen);
	struct timespec now;
	const json_t *row;
	size_t i;

	if (!json_array_size(rq->result)) {
		fputs("no snapshots yet; \"snapsh snap\" takes one\n", out);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	json_array_foreach(rq->result, i, row) {
		char mark = is(row, "current") ? '@' : is(row, "automatic") ? 'o' : '*';
		sn_auto_free char *link = NULL;
		sn_auto_free char *node = graph_add(&graph, wire_number(row, "id"),
						    wire_number(row, "parent"), mark, &link);

		put_row(&paper, row, node, now.tv_sec * INT64_C(1000000000) + now.tv_nsec);
		if (link)
			put_link(&paper, link);
	}
}
