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

/* Where it is drawn. */
struct paper {
	FILE *out;
	size_t width; /* of a line in characters */
	size_t left;  /* of this one */
	bool colour;
};

/* As much of the text as there is room for; colour: an SGR parameter or NULL. What a terminal
 * would obey is shown as "?". */
static void put(struct paper *paper, const char *colour, const char *text)
{
	bool painted = colour && paper->colour && paper->left && *text;

	if (painted)
		fprintf(paper->out, "\033[%sm", colour);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c & 0xc0) != 0x80 && !paper->left--) {
			paper->left = 0;
			break;
		}
		fputc(c < ' ' || c == 0x7f ? '?' : c, paper->out);
	}
	if (painted)
		fputs("\033[m", paper->out);
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
		put(paper, NULL, before);
		put(paper, colours[i], marks[i]);
		before = ", ";
	}
	if (*before == ',')
		put(paper, NULL, ")  ");
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

	paper->left = paper->width;
	put(paper, NULL, node);
	put(paper, SCREEN_ID, id);
	put(paper, NULL, "  ");
	put(paper, NULL, format_age(age, wire_number(row, "created_ns"), now_ns));
	put(paper, NULL, "  ");
	put_marks(paper, row);
	put(paper, NULL, message);
	put(paper, NULL, *message ? "  " : "");
	put(paper, SCREEN_DIM, figures);
	fputc('\n', paper->out);
}

static void put_link(struct paper *paper, const char *link)
{
	paper->left = paper->width;
	put(paper, NULL, link);
	fputc('\n', paper->out);
}

void render_log(FILE *out, const struct request *rq)
{
	sn_auto(graph_release) struct graph graph = {.count = 0};
	struct paper paper = {
		.out = out,
		.width = rq->screen.width,
		.colour = rq->screen.colour,
	};
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
