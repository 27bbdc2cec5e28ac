// SPDX-License-Identifier: Apache-2.0
/* find: bytes, strings and pointers in the memory of a snapshot. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/commands.h"
#include "shell/looking.h"
#include "shell/progress.h"
#include "shell/wire.h"

enum { COLUMN_MAX = 48 };

static json_t *hits_json(const struct find_result *result)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < result->count; i++) {
		const struct find_hit *hit = &result->hits[i];

		json_array_append_new(
			rows, json_pack("{s:o, s:o, s:o}", "address", wire_address(hit->addr),
					"mapping", json_text(hit->mapping), "symbol",
					hit->symbol ? json_text(hit->symbol) : json_null()));
	}
	return rows;
}

/* "0x4010 <text+4>", malloc'd. */
static char *hit_place(const struct find_hit *hit)
{
	return hit->symbol ? sn_asprintf("0x%lx <%s>", hit->addr, hit->symbol)
			   : sn_asprintf("0x%lx", hit->addr);
}

static size_t column_width(const struct find_result *result)
{
	size_t width = 0;

	for (size_t i = 0; i < result->count; i++) {
		sn_auto_free char *place = hit_place(&result->hits[i]);

		width = strlen(place) > width ? strlen(place) : width;
	}
	return width < COLUMN_MAX ? width : COLUMN_MAX;
}

static void print_hits(FILE *out, const struct find_result *result)
{
	size_t width = result->is_range ? 0 : column_width(result);

	for (size_t i = 0; i < result->count; i++) {
		sn_auto_free char *place = hit_place(&result->hits[i]);

		if (result->is_range)
			fprintf(out, "%s\n", place);
		else
			fprintf(out, "%-*s  %s\n", (int)width, place, result->hits[i].mapping);
	}
}

static char *result_text(const struct find_result *result)
{
	bool more = result->more && !result->is_range;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort();
	if (result->is_empty)
		fputs("Empty search range.\n", out);
	print_hits(out, result);
	if (result->warning)
		fprintf(out, "warning: %s\n", result->warning);
	if (result->count)
		fprintf(out, "%zu pattern%s found%s.\n", result->count,
			result->count == 1 ? "" : "s",
			more ? "; there are more, --max N shows N" : "");
	else
		fputs("Pattern not found.\n", out);
	fclose(out);
	return text;
}

int cmd_find(struct request *rq, struct sn_err *err)
{
	sn_auto_free char *words = looking_text(rq);
	sn_auto(find_result_release) struct find_result result = {0};
	struct find_query query = {
		.words = words,
		.pointer = request_option(rq, "pointer") != NULL,
		.where = request_option(rq, "in"),
	};
	struct progress *progress;
	struct looking *looking;
	struct spot spot;
	int rc;

	if (request_max(rq, &query.max, err) < 0)
		return -1;
	looking = looking_get(rq, &spot, err);
	if (!looking)
		return -1;
	progress = progress_begin("find", rq->shell->catalog);
	rc = inspect_find(looking->in, spot, &query, &result, err);
	progress_end(progress);
	if (rc < 0)
		return -1;
	if (rq->json)
		rq->result = hits_json(&result);
	else
		rq->text = result_text(&result);
	return 0;
}
