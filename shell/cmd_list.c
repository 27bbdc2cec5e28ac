// SPDX-License-Identifier: Apache-2.0
#include "core/base/guard.h"
#include "core/base/pagemap.h"
#include "shell/app.h"
#include "shell/client.h"
#include "shell/commands.h"
#include "shell/format.h"
#include "shell/wire.h"

#include <time.h>

int cmd_list(struct request *rq, struct sn_err *err)
{
	sn_auto_free struct catalog_snapshot *snaps = NULL;
	struct catalog_app app;
	size_t count;

	if (client_app(rq->shell, request_word(rq, 0), &app, err) < 0 ||
	    catalog_snapshot_list(rq->shell->catalog, app.id, &snaps, &count, err) < 0)
		return -1;
	rq->result = snapshots_json(&app, snaps, count);
	return 0;
}

static void render_row(FILE *out, const json_t *row, int64_t now_ns)
{
	char age[FORMAT_MAX], changed[FORMAT_MAX], stored[FORMAT_MAX], stopped[FORMAT_MAX];
	char parent[24] = "-";
	const char *tag = wire_string(row, "tag");

	if (wire_number(row, "parent"))
		snprintf(parent, sizeof(parent), "%lld", wire_number(row, "parent"));
	fprintf(out, "%c %4lld  %6s  %-16s  %9s  %9s  %9s  %-10s  %-10s  %s%s\n",
		json_is_true(json_object_get(row, "current")) ? '*' : ' ', wire_number(row, "id"),
		parent, format_age(age, wire_number(row, "created_ns"), now_ns),
		format_bytes(changed, (uint64_t)wire_number(row, "dirty_pages") * PAGE_BYTES),
		format_bytes(stored, (uint64_t)wire_number(row, "stored_bytes")),
		format_ns(stopped, (uint64_t)wire_number(row, "stop_ns")),
		wire_string(row, "tracker"), *tag ? tag : "-",
		json_is_true(json_object_get(row, "automatic")) ? "(auto) " : "",
		wire_string(row, "message"));
}

void render_list(FILE *out, const struct request *rq)
{
	struct timespec now;
	const json_t *row;
	size_t i;

	if (!json_array_size(rq->result)) {
		fputs("no snapshots yet; \"snapsh snap\" takes one\n", out);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	fprintf(out, "  %4s  %6s  %-16s  %9s  %9s  %9s  %-10s  %-10s  %s\n", "ID", "PARENT",
		"TAKEN", "CHANGED", "STORED", "STOPPED", "TRACKER", "TAG", "MESSAGE");
	json_array_foreach(rq->result, i, row)
		render_row(out, row, now.tv_sec * INT64_C(1000000000) + now.tv_nsec);
}
