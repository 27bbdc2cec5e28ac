// SPDX-License-Identifier: Apache-2.0
/* Since when a condition is true, by looking at few snapshots, or at all. */
#include "snap/bisect.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/commands.h"
#include "shell/looking.h"
#include "shell/progress.h"
#include "shell/wire.h"
#include "snap/snap.h"

static json_t *id_or_null(int64_t id)
{
	return id ? json_integer(id) : json_null();
}

static json_t *bisection_json(const struct catalog_app *app, const struct bisection *found,
			      bool all)
{
	json_t *looks = json_array(), *turns = json_array();

	for (size_t i = 0; i < found->look_count; i++) {
		const struct bisect_look *look = &found->looks[i];

		json_array_append_new(looks,
				      json_pack("{s:I, s:b, s:o, s:b}", "id", (json_int_t)look->id,
						"true", look->truth, "error",
						look->error ? json_text(look->error) : json_null(),
						"read", look->read));
	}
	for (size_t i = 0; i < found->turn_count; i++) {
		const struct bisect_turn *turn = &found->turns[i];

		json_array_append_new(turns,
				      json_pack("{s:I, s:I, s:b}", "from", (json_int_t)turn->from,
						"to", (json_int_t)turn->to, "true", turn->truth));
	}
	return json_pack("{s:s, s:I, s:I, s:o, s:b, s:o, s:o}", "name", app->name, "oldest",
			 (json_int_t)found->oldest, "newest", (json_int_t)found->newest, "first",
			 id_or_null(found->first), "all", all, "looked", looks, "turns", turns);
}

/* The snapshot that is asked about, of the application that the text or -r names. */
static int find_end(struct request *rq, char *text, struct catalog_app *app,
		    struct catalog_snapshot *snap, struct sn_err *err)
{
	const char *ref = request_option(rq, "ref");
	bool in_ref = ref && strchr(ref, '@');
	struct catalog_app named;
	int found = looking_named(rq, text, &named, err);

	if (found < 0 || (!found && !in_ref && looking_app(rq, &named, err) < 0))
		return -1;
	if (snap_ref(rq->shell->catalog, ref ? ref : "latest", found || !in_ref ? named.name : NULL,
		     app, snap, err) < 0)
		return -1;
	if (found && app->id != named.id)
		return sn_fail(err, "%s is no snapshot of %s", ref, named.name);
	return 0;
}

int cmd_bisect(struct request *rq, struct sn_err *err)
{
	sn_auto(bisection_release) struct bisection found = {0};
	sn_auto_free char *text = looking_text(rq);
	struct series_query query = {
		.expression = text, .debug = rq->shell->debug, .variables = rq->shell->variables};
	bool all = request_option(rq, "all");
	struct catalog_snapshot snap;
	struct progress *progress;
	struct catalog_app app;
	int rc;

	if (!*text)
		return request_usage(rq, err, "bisect needs EXPR");
	if (looking_any_spot(rq, &query.spot, err) < 0 || find_end(rq, text, &app, &snap, err) < 0)
		return -1;
	progress = progress_begin("bisect", NULL);
	rc = snap_bisect(rq->shell->catalog, app.id, snap.id, &query, all, &found, err);
	progress_end(progress);
	looking_warn(rq, found.notes, found.note_count);
	if (rc < 0)
		return -1;
	rq->status = found.first ? STATUS_DONE : STATUS_FAILED;
	rq->result = bisection_json(&app, &found, all);
	return 0;
}

/* ---- showing ---- */

static bool is_true(const json_t *value)
{
	return json_is_true(json_object_get(value, "true"));
}

static void render_looks(FILE *out, const json_t *looks)
{
	const json_t *look;
	size_t i;

	json_array_foreach(looks, i, look) {
		const char *error = wire_string(look, "error");

		fprintf(out, "@%-5lld  %s%s%s%s\n", wire_number(look, "id"),
			is_true(look) ? "true" : "false", error ? "  <" : "", error ? error : "",
			error ? ">" : "");
	}
}

static void render_turns(FILE *out, const json_t *turns)
{
	const json_t *turn;
	size_t i;

	json_array_foreach(turns, i, turn)
		fprintf(out, "%s at @%lld, %s at @%lld\n", is_true(turn) ? "false" : "true",
			wire_number(turn, "from"), is_true(turn) ? "true" : "false",
			wire_number(turn, "to"));
}

static bool was_true_at(const json_t *looks, long long id)
{
	const json_t *look;
	size_t i;

	json_array_foreach(looks, i, look) {
		if (wire_number(look, "id") == id)
			return is_true(look);
	}
	return false;
}

void render_bisect(FILE *out, const struct request *rq)
{
	const json_t *looks = json_object_get(rq->result, "looked");
	long long oldest = wire_number(rq->result, "oldest");
	long long newest = wire_number(rq->result, "newest");
	bool all = json_is_true(json_object_get(rq->result, "all"));

	if (!all)
		render_looks(out, looks);
	if (was_true_at(looks, oldest))
		fprintf(out, "true at the oldest, @%lld, already\n", oldest);
	render_turns(out, json_object_get(rq->result, "turns"));
	if (!was_true_at(looks, newest))
		fprintf(out, "false at the newest, @%lld%s\n", newest,
			all && json_is_null(json_object_get(rq->result, "first"))
				? ", and at all before it"
				: "");
}
