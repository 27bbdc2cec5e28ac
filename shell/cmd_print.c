// SPDX-License-Identifier: Apache-2.0
/* print, whatis, ptype, x: expressions with gdb's syntax. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/commands.h"
#include "shell/what_if.h"
#include "shell/wire.h"

/* An expression that assigns makes a snapshot, as `set var` does. */
static int add_snapshot(struct request *rq, struct looking *looking, const char *text,
			char **lines, struct sn_err *err)
{
	sn_auto_free char *before = NULL;
	json_t *made;

	if (what_if_store(looking, text, NULL, rq->json, &made, err) < 0)
		return -1;
	if (!made)
		return 0;
	before = *lines;
	*lines = sn_asprintf("%s%s", before, wire_string(made, "text"));
	json_object_set_new(rq->result, "snapshot", made);
	return 0;
}

int cmd_print(struct request *rq, struct sn_err *err)
{
	sn_auto_free char *words = looking_text(rq), *format = NULL, *lines = NULL;
	const char *text = words;
	struct printed printed;
	struct spot spot;
	struct looking *looking = looking_get(rq, &spot, err);
	char letter;

	format = looking_format(&text);
	if (!looking || looking_letter(format, "print", &letter, err) < 0 ||
	    what_if_print(looking, spot, letter, text, &printed, err) < 0)
		return -1;
	lines = sn_asprintf("$%zu = %s\n", printed.number, printed.text);
	rq->result = json_pack("{s:I, s:o, s:o}", "number", (json_int_t)printed.number, "type",
			       json_text(printed.type), "value", json_text(printed.text));
	printed_release(&printed);
	if (add_snapshot(rq, looking, text, &lines, err) < 0)
		return -1;
	json_object_set_new(rq->result, "text", json_text(lines));
	return 0;
}

static int show_type(struct request *rq, bool full, struct sn_err *err)
{
	sn_auto_free char *words = looking_text(rq), *type = NULL, *line = NULL;
	struct spot spot;
	struct looking *looking = looking_get(rq, &spot, err);

	if (!looking || inspect_type(looking->in, spot, full, words, &type, err) < 0)
		return -1;
	line = sn_asprintf("type = %s\n", type);
	rq->result = json_pack("{s:o, s:o}", "type", json_text(type), "text", json_text(line));
	return 0;
}

int cmd_whatis(struct request *rq, struct sn_err *err)
{
	return show_type(rq, false, err);
}

int cmd_ptype(struct request *rq, struct sn_err *err)
{
	return show_type(rq, true, err);
}

int cmd_x(struct request *rq, struct sn_err *err)
{
	sn_auto_free char *words = looking_text(rq), *format = NULL, *lines = NULL;
	const char *text = words;
	struct spot spot;
	struct looking *looking = looking_get(rq, &spot, err);

	format = looking_format(&text);
	if (!looking || inspect_examine(looking->in, spot, format, text, &lines, err) < 0)
		return -1;
	rq->result = json_pack("{s:o}", "text", json_text(lines));
	return 0;
}
