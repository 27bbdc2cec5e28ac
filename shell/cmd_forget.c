// SPDX-License-Identifier: Apache-2.0
#include "catalog/retention.h"
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/client.h"
#include "shell/commands.h"
#include "shell/gc.h"
#include "shell/wire.h"

enum { DROP_AT_ONCE = 256 }; /* others want to write meanwhile */

static const struct {
	unsigned reason;
	const char *words;
} reason_words[] = {
	{STAYS_HERE, "the application stands on it"},
	{STAYS_UNDO, "undo goes back to it"},
	{STAYS_TAGGED, "tagged"},
	{STAYS_LAST, "last"},
	{STAYS_HOURLY, "hourly"},
	{STAYS_DAILY, "daily"},
	{STAYS_HELD, "somebody looks into it"},
};

static int parse_count(struct request *rq, const char *option, size_t *count, struct sn_err *err)
{
	const char *text = request_option(rq, option);

	if (!text)
		return 0;
	if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 9)
		return request_usage(rq, err, "forget: --%s takes a number, not \"%s\"", option,
				     text);
	*count = strtoul(text, NULL, 10);
	return 0;
}

static int parse_policy(struct request *rq, struct retention *policy, struct sn_err *err)
{
	if (parse_count(rq, "keep-last", &policy->last, err) < 0 ||
	    parse_count(rq, "keep-hourly", &policy->hourly, err) < 0 ||
	    parse_count(rq, "keep-daily", &policy->daily, err) < 0)
		return -1;
	policy->tagged = request_option(rq, "keep-tagged") != NULL;
	if (!policy->last && !policy->hourly && !policy->daily && !policy->tagged)
		return request_usage(rq, err, "forget: nothing says what is to stay: --keep-last, "
				     "--keep-hourly, --keep-daily, --keep-tagged");
	return 0;
}

static json_t *reasons_json(unsigned reasons)
{
	json_t *words = json_array();

	for (size_t i = 0; i < sn_countof(reason_words); i++)
		if (reasons & reason_words[i].reason)
			json_array_append_new(words, json_string(reason_words[i].words));
	return words;
}

static int drop_all(struct request *rq, const struct catalog_app *app, const int64_t *ids,
		    size_t count, struct sn_err *err)
{
	for (size_t done = 0, n; done < count; done += n) {
		n = count - done < DROP_AT_ONCE ? count - done : DROP_AT_ONCE;
		if (catalog_snapshots_drop(rq->shell->catalog, app->id, ids + done, n, err) < 0)
			return sn_ctx(err, "forget %s (%zu of %zu are gone)", app->name, done,
				      count);
	}
	gc_when_due(rq->shell->catalog, &(struct gc_due){.dropped = count});
	return 0;
}

int cmd_forget(struct request *rq, struct sn_err *err)
{
	sn_auto_free struct catalog_snapshot *snaps = NULL;
	sn_auto_free unsigned *reasons = NULL;
	sn_auto_free int64_t *ids = NULL;
	json_t *stays = json_array(), *goes = json_array();
	struct retention policy = {0};
	bool dry = request_option(rq, "dry-run") != NULL;
	struct catalog_app app;
	size_t count, n = 0;

	rq->result = json_pack("{s:o, s:o, s:b}", "stays", stays, "goes", goes, "dry_run", dry);
	if (parse_policy(rq, &policy, err) < 0 ||
	    client_app(rq->shell, request_word(rq, 0), &app, err) < 0 ||
	    catalog_snapshot_list(rq->shell->catalog, app.id, &snaps, &count, err) < 0)
		return -1;
	json_object_set_new(rq->result, "name", json_string(app.name));
	reasons = sn_calloc(count + 1, sizeof(*reasons));
	ids = sn_calloc(count + 1, sizeof(*ids));
	retention_apply(&policy, &app, snaps, count, reasons);
	for (size_t i = 0; i < count; i++) {
		json_int_t id = snaps[i].id;

		if (catalog_snapshot_is_held(rq->shell->catalog, app.id, id))
			reasons[i] |= STAYS_HELD;
		if (reasons[i]) {
			json_array_append_new(stays, json_pack("{s:I, s:o}", "id", id, "reasons",
							       reasons_json(reasons[i])));
			continue;
		}
		json_array_append_new(goes, json_integer(id));
		ids[n++] = id;
	}
	return dry ? 0 : drop_all(rq, &app, ids, n, err);
}

static void render_stay(FILE *out, const char *name, const json_t *stay)
{
	const json_t *reason;
	size_t i;

	fprintf(out, "%s@%lld stays:", name, wire_number(stay, "id"));
	json_array_foreach(json_object_get(stay, "reasons"), i, reason)
		fprintf(out, "%s %s", i ? "," : "", json_string_value(reason));
	fputc('\n', out);
}

void render_forget(FILE *out, const struct request *rq)
{
	const json_t *stays = json_object_get(rq->result, "stays"), *one;
	const json_t *goes = json_object_get(rq->result, "goes");
	const char *name = wire_string(rq->result, "name");
	bool dry = json_is_true(json_object_get(rq->result, "dry_run"));
	size_t i;

	if (dry) {
		json_array_foreach(stays, i, one)
			render_stay(out, name, one);
		json_array_foreach(goes, i, one)
			fprintf(out, "%s@%lld goes\n", name, (long long)json_integer_value(one));
	}
	fprintf(out, "%zu snapshot%s of %s %s, %zu stay%s\n", json_array_size(goes),
		json_array_size(goes) == 1 ? "" : "s", name, dry ? "would go" : "gone",
		json_array_size(stays), json_array_size(stays) == 1 ? "s" : "");
}
