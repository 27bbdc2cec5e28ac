// SPDX-License-Identifier: Apache-2.0
/* revert and undo: one answer, one rendering. */
#include "shell/client.h"
#include "shell/commands.h"
#include "shell/format.h"
#include "shell/wire.h"
#include "snap/snap.h"

#include <string.h>

int cmd_revert(struct request *rq, struct sn_err *err)
{
	struct catalog *cat = shell_catalog(rq->shell, err);
	struct catalog_snapshot snap;
	struct catalog_app app;

	if (!cat || snap_ref(cat, rq->words[0], shell_selected(rq->shell), &app, &snap, err) < 0)
		return -1;
	return client_call(rq->shell, &app, "revert", json_pack("{s:I}", "id", (json_int_t)snap.id),
			   &rq->result, err);
}

int cmd_undo(struct request *rq, struct sn_err *err)
{
	struct catalog_app app;

	if (client_app(rq->shell, request_word(rq, 0), &app, err) < 0)
		return -1;
	return client_call(rq->shell, &app, "undo", json_object(), &rq->result, err);
}

void render_revert(FILE *out, const struct request *rq)
{
	const json_t *r = rq->result, *note;
	bool in_place = strcmp(wire_string(r, "mode"), "in-place") == 0;
	char stopped[FORMAT_MAX];
	size_t i;

	fprintf(out, "%s is at %lld again (%s, %lld pages, stopped %s)", wire_string(r, "name"),
		wire_number(r, "to"), in_place ? "in place" : "rebuilt",
		wire_number(r, "written_pages"),
		format_ns(stopped, (uint64_t)wire_number(r, "stop_ns")));
	if (wire_number(r, "undo"))
		fprintf(out, "; undo brings %lld back", wire_number(r, "undo"));
	fputc('\n', out);
	json_array_foreach(json_object_get(r, "notes"), i, note)
		fprintf(out, "  %s\n", json_string_value(note));
}
