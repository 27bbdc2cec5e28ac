// SPDX-License-Identifier: Apache-2.0
#include "snap/what_if.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/app.h"
#include "shell/what_if.h"

#include <signal.h>

enum { VALUE_COLUMNS = 60 };

int what_if_evaluate(struct looking *looking, struct spot spot, const char *text,
		     struct sn_err *err)
{
	int rc;

	inspect_may_assign(looking->in, true);
	rc = inspect_evaluate(looking->in, spot, text, err);
	inspect_may_assign(looking->in, false);
	if (rc < 0)
		inspect_take_back(looking->in);
	return rc;
}

int what_if_print(struct looking *looking, struct spot spot, char letter, const char *text,
		  struct printed *printed, struct sn_err *err)
{
	int rc;

	inspect_may_assign(looking->in, true);
	rc = inspect_print(looking->in, spot, letter, text, printed, err);
	inspect_may_assign(looking->in, false);
	if (rc < 0)
		inspect_take_back(looking->in);
	return rc;
}

/* A write past a limit of file sizes is to fail: see catalog.h. */
static int store(struct inspect *in, const struct what_if_options *options,
		 struct catalog_snapshot *made, struct sn_err *err)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	int rc;

	sigaction(SIGXFSZ, &ignore, &before);
	rc = snap_what_if(in, options, made, err);
	sigaction(SIGXFSZ, &before, NULL);
	return rc;
}

/* "  hp: 5 -> 100", "  hp: 5 -> 100, mp: 3 -> 0" */
static char *assigned_words(const struct assigned *list, size_t count)
{
	char *words = sn_strdup("");

	for (size_t i = 0; i < count; i++) {
		sn_auto_free char *before = words;
		bool cut_was = strlen(list[i].was) > VALUE_COLUMNS;
		bool cut_is = strlen(list[i].is) > VALUE_COLUMNS;

		words = sn_asprintf("%s%s %s: %.*s%s -> %.*s%s", before, i ? "," : " ",
				    list[i].name, VALUE_COLUMNS, list[i].was, cut_was ? "..." : "",
				    VALUE_COLUMNS, list[i].is, cut_is ? "..." : "");
	}
	return words;
}

static json_t *assigned_json(const struct assigned *list, size_t count)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(rows, json_pack("{s:o, s:o, s:o}", "name",
						      json_text(list[i].name), "was",
						      json_text(list[i].was), "is",
						      json_text(list[i].is)));
	return rows;
}

static void warn(const struct assigned *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i].warning)
			fprintf(stderr, "warning: %s\n", list[i].warning);
	}
}

/* The selected frame may be no more. */
static void settle_spot(struct looking *looking)
{
	struct sn_err ignored;
	size_t count;

	if (inspect_frames(looking->in, looking->spot.thread, &count, &ignored) < 0 ||
	    looking->spot.frame >= count)
		looking->spot.frame = 0;
}

int what_if_store(struct looking *looking, const char *message, const char *tag, bool json,
		  json_t **result, struct sn_err *err)
{
	const struct what_if_options options = {message, tag};
	sn_auto_free char *ref = looking_name(looking), *words = NULL, *text = NULL;
	const struct assigned *list;
	size_t count = inspect_assigned(looking->in, &list);
	json_t *rows = assigned_json(list, count);

	*result = NULL;
	words = assigned_words(list, count);
	if (!json)
		warn(list, count);
	if (count == 0 || store(looking->in, &options, &looking->snap, err) < 0) {
		json_decref(rows);
		inspect_take_back(looking->in);
		return count ? sn_ctx(err, "set var in %s", ref) : 0;
	}
	settle_spot(looking);
	text = sn_asprintf("%s@%ld  parent %ld%s\n", looking->app.name, (long)looking->snap.id,
			   (long)looking->snap.parent, words);
	*result = snapshot_json(&looking->app, &looking->snap);
	json_object_set_new(*result, "assigned", rows);
	json_object_set_new(*result, "text", json_text(text));
	return 0;
}
