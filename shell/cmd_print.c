// SPDX-License-Identifier: Apache-2.0
/* print, whatis, ptype, x: expressions with gdb's syntax. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/commands.h"
#include "shell/print_options.h"
#include "shell/what_if.h"
#include "shell/wire.h"

/* An expression that assigns makes a snapshot, as `set var` does. */
static int add_snapshot(struct request *rq, struct looking *looking, const char *text, char **lines,
			struct sn_err *err)
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

static int print(struct request *rq, const char *text, bool tell_void, struct sn_err *err)
{
	sn_auto_free char *format = looking_format(&text), *lines = NULL;
	struct printed printed;
	struct spot spot;
	struct looking *looking = looking_get(rq, &spot, err);
	char letter;

	if (!looking || looking_letter(format, "print", &letter, err) < 0 ||
	    what_if_print(looking, spot, letter, text, &printed, err) < 0)
		return -1;
	lines = printed.is_void && !tell_void
			? sn_strdup("")
			: sn_asprintf("$%zu = %s\n", printed.number, printed.text);
	rq->result = json_pack("{s:I, s:o, s:o}", "number", (json_int_t)printed.number, "type",
			       json_text(printed.type), "value", json_text(printed.text));
	printed_release(&printed);
	if (add_snapshot(rq, looking, text, &lines, err) < 0)
		return -1;
	json_object_set_new(rq->result, "text", json_text(lines));
	return 0;
}

/* "-pretty -elements 3 -- EXPR": settings of `set print` for this one; without "--" a "-" is an
 * operator. */
int cmd_print(struct request *rq, struct sn_err *err)
{
	sn_auto_free char *words = looking_text(rq);
	struct print_options *options = &rq->shell->print, before = *options;
	const char *text = print_options_take(options, words, err);
	int rc = text ? print(rq, text, true, err) : -1;

	*options = before;
	return rc;
}

int cmd_call(struct request *rq, struct sn_err *err)
{
	sn_auto_free char *words = looking_text(rq);

	return print(rq, words, false, err);
}

/* "/o": of those of gdb the one that shows more. */
static int type_flags(const char *flags, enum type_detail *detail, struct sn_err *err)
{
	for (; *flags; flags++) {
		if (*flags != 'o')
			return sn_fail(err, "unrecognized flag '%c'", *flags);
		if (*detail == TYPE_IN_FULL)
			*detail = TYPE_OFFSETS;
	}
	return 0;
}

static int show_type(struct request *rq, enum type_detail detail, struct sn_err *err)
{
	sn_auto_free char *words = looking_text(rq), *type = NULL, *line = NULL, *flags = NULL;
	const char *text = words;
	struct spot spot;
	struct looking *looking = looking_get(rq, &spot, err);

	flags = looking_format(&text);
	if (!looking || type_flags(flags, &detail, err) < 0 ||
	    inspect_type(looking->in, spot, detail, text, &type, err) < 0)
		return -1;
	line = sn_asprintf("%s%s\n", detail == TYPE_OFFSETS ? "" : "type = ", type);
	rq->result = json_pack("{s:o, s:o}", "type", json_text(type), "text", json_text(line));
	return 0;
}

int cmd_whatis(struct request *rq, struct sn_err *err)
{
	return show_type(rq, TYPE_BY_NAME, err);
}

int cmd_ptype(struct request *rq, struct sn_err *err)
{
	return show_type(rq, TYPE_IN_FULL, err);
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
