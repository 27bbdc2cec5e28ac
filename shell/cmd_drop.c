// SPDX-License-Identifier: Apache-2.0
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/app.h"
#include "shell/commands.h"
#include "shell/gc.h"
#include "snap/snap.h"

struct victim {
	struct catalog_app app;
	struct catalog_snapshot snap;
};

/* All of them are looked up before the first is dropped: a wrong one costs none. */
static int find(struct request *rq, struct victim *victims, struct sn_err *err)
{
	struct catalog *cat = shell_catalog(rq->shell, err);

	for (size_t i = 0; i < rq->word_count; i++) {
		struct victim *v = &victims[i];

		if (!cat || snap_ref(cat, rq->words[i], shell_selected(rq->shell), &v->app,
				     &v->snap, err) < 0)
			return -1;
		/* What changed since then is known against that one alone. */
		if (v->snap.id == v->app.current && app_alive(&v->app))
			return sn_fail(err,
				       "drop %s@%lld: %s stands on it: take another snapshot first",
				       v->app.name, (long long)v->snap.id, v->app.name);
	}
	return 0;
}

/* Those of one application go together, from victim `first` on. */
static int drop_together(struct request *rq, const struct victim *victims, size_t first,
			 json_t *dropped, struct sn_err *err)
{
	sn_auto_free int64_t *ids = sn_malloc(rq->word_count * sizeof(*ids));
	const struct catalog_app *app = &victims[first].app;
	size_t count = 0;

	for (size_t i = 0; i < rq->word_count; i++) {
		if (victims[i].app.id != app->id)
			continue;
		if (i < first)
			return 0; /* gone already */
		ids[count++] = victims[i].snap.id;
	}
	if (catalog_snapshots_drop(rq->shell->catalog, app->id, ids, count, err) < 0)
		return sn_ctx(err, "%s", app->name);
	for (size_t i = 0; i < count; i++) {
		sn_auto_free char *ref = sn_asprintf("%s@%lld", app->name, (long long)ids[i]);

		json_array_append_new(dropped, json_string(ref));
	}
	return 0;
}

int cmd_drop(struct request *rq, struct sn_err *err)
{
	sn_auto_free struct victim *victims = sn_calloc(rq->word_count, sizeof(*victims));
	json_t *dropped = json_array();

	rq->result = json_pack("{s:o}", "dropped", dropped);
	if (find(rq, victims, err) < 0)
		return -1;
	for (size_t i = 0; i < rq->word_count; i++)
		if (drop_together(rq, victims, i, dropped, err) < 0)
			return -1;
	gc_when_due(rq->shell->catalog, &(struct gc_due){.dropped = json_array_size(dropped)});
	return 0;
}

void render_drop(FILE *out, const struct request *rq)
{
	const json_t *ref;
	size_t i;

	json_array_foreach(json_object_get(rq->result, "dropped"), i, ref)
		fprintf(out, "dropped %s\n", json_string_value(ref));
}
