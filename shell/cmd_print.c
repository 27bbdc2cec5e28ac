// SPDX-License-Identifier: Apache-2.0
/* print, whatis, ptype, x: expressions with gdb's syntax. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/commands.h"
#include "shell/looking.h"

int cmd_print(struct request *rq, struct sn_err *err)
{
	sn_auto_free char *words = looking_text(rq), *format = NULL, *line = NULL;
	const char *text = words;
	struct printed printed;
	struct spot spot;
	struct looking *looking = looking_get(rq, &spot, err);
	char letter;

	format = looking_format(&text);
	if (!looking || looking_letter(format, "print", &letter, err) < 0 ||
	    inspect_print(looking->in, spot, letter, text, &printed, err) < 0)
		return -1;
	line = sn_asprintf("$%zu = %s\n", printed.number, printed.text);
	rq->result = json_pack("{s:I, s:o, s:o, s:o}", "number", (json_int_t)printed.number, "type",
			       json_text(printed.type), "value", json_text(printed.text), "text",
			       json_text(line));
	printed_release(&printed);
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
