// SPDX-License-Identifier: Apache-2.0
#include "core/base/pagemap.h"
#include "proto/json.h"
#include "proto/print.h"
#include "shell/app.h"
#include "shell/commands.h"
#include "shell/format.h"
#include "shell/wire.h"
#include "snap/snap.h"

#include <string.h>
#include <time.h>

/* Of at least four letters, as gdb takes it. */
static bool is_beginning(const char *word, const char *of)
{
	return strlen(word) >= 4 && strncmp(word, of, strlen(word)) == 0;
}

int cmd_show(struct request *rq, struct sn_err *err)
{
	struct catalog_snapshot snap;
	struct catalog_app app;
	struct catalog *cat;

	if (strcmp(rq->words[0], "print") == 0)
		return cmd_show_setting(rq, err);
	if (is_beginning(rq->words[0], "convenience"))
		return cmd_show_variables(rq, err);
	if (rq->word_count > 1)
		return request_usage(rq, err, "show: \"%s\" is one word too many", rq->words[1]);
	if (strcmp(rq->words[0], "debug-file-directory") == 0)
		return cmd_show_setting(rq, err);
	cat = shell_catalog(rq->shell, err);
	if (!cat || snap_ref(cat, rq->words[0], shell_selected(rq->shell), &app, &snap, err) < 0 ||
	    snap_image_load(cat, app.id, snap.id, &rq->image, err) < 0)
		return -1;
	rq->result = snapshot_json(&app, &snap);
	/* For people the model itself is printed: making JSON of it would be for nothing. */
	if (rq->json)
		json_object_set_new(rq->result, "image", message_json(&rq->image->base));
	return 0;
}

void render_show(FILE *out, const struct request *rq)
{
	const json_t *snap = rq->result;
	char taken[FORMAT_MAX], resident[FORMAT_MAX], changed[FORMAT_MAX], stored[FORMAT_MAX];
	char stopped[FORMAT_MAX];
	const char *tag = wire_string(snap, "tag"), *message = wire_string(snap, "message");

	if (!rq->image) {
		render_text(out, rq);
		return;
	}
	/* Seen from far ahead, any time is a date. */
	fprintf(out, "%s@%lld  %s%s%s%s%s\n", wire_string(snap, "name"), wire_number(snap, "id"),
		format_age(taken, wire_number(snap, "created_ns"), INT64_MAX), *tag ? "  tag " : "",
		tag, *message ? "  " : "", message);
	fprintf(out, "parent %lld, tracker %s, %lld tasks, %lld threads\n",
		wire_number(snap, "parent"), wire_string(snap, "tracker"),
		wire_number(snap, "tasks"), wire_number(snap, "threads"));
	fprintf(out, "%s resident, %s changed, %s stored, stopped %s\n\n",
		format_bytes(resident, (uint64_t)wire_number(snap, "resident_pages") * PAGE_BYTES),
		format_bytes(changed, (uint64_t)wire_number(snap, "dirty_pages") * PAGE_BYTES),
		format_bytes(stored, (uint64_t)wire_number(snap, "stored_bytes")),
		format_ns(stopped, (uint64_t)wire_number(snap, "stop_ns")));
	message_print(out, &rq->image->base, 0);
}
