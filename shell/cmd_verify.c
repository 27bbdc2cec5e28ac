// SPDX-License-Identifier: Apache-2.0
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/commands.h"
#include "shell/progress.h"
#include "shell/wire.h"
#include "snap/snap.h"

struct findings {
	json_t *good;
	json_t *damaged;
	struct progress *progress;
	size_t snapshots;
};

static char *name_of(const struct catalog_finding *finding)
{
	if (finding->id)
		return sn_asprintf("%s@%lld", finding->app, (long long)finding->id);
	return sn_asprintf("%s", finding->app_id ? finding->app : "");
}

static void add_finding(void *arg, const struct catalog_finding *finding)
{
	sn_auto_free char *name = name_of(finding);
	struct findings *findings = arg;

	json_t *one;

	findings->snapshots += finding->id != 0;
	progress_count(findings->progress, findings->snapshots, "snapshots");
	if (!finding->damage) {
		json_array_append_new(findings->good, json_text(name));
		return;
	}
	one = json_pack("{s:o, s:o, s:I}", "what", json_text(name), "damage",
			json_text(finding->damage), "damaged_pages",
			(json_int_t)finding->damaged_pages);
	json_array_append_new(findings->damaged, one);
}

int cmd_verify(struct request *rq, struct sn_err *err)
{
	struct findings findings = {json_array(), json_array(), NULL, 0};
	struct catalog *cat = shell_catalog(rq->shell, err);
	struct catalog_snapshot snap = {.id = 0};
	struct catalog_app app = {.id = 0};
	struct catalog_verified verified;
	int rc;

	rq->result = json_pack("{s:o, s:o}", "good", findings.good, "damaged", findings.damaged);
	if (!cat || (request_word(rq, 0) && snap_ref(cat, rq->words[0], shell_selected(rq->shell),
						     &app, &snap, err) < 0))
		return -1;
	findings.progress = progress_begin("verify", cat);
	rc = catalog_verify(cat, app.id, snap.id, add_finding, &findings, &verified, err);
	progress_end(findings.progress);
	if (rc < 0)
		return -1;
	json_object_set_new(rq->result, "snapshots", json_integer((json_int_t)verified.snapshots));
	json_object_set_new(rq->result, "pages", json_integer((json_int_t)verified.pages));
	if (verified.damages)
		rq->status = STATUS_FAILED;
	return 0;
}

void render_verify(FILE *out, const struct request *rq)
{
	const json_t *good = json_object_get(rq->result, "good"), *one;
	const json_t *damaged = json_object_get(rq->result, "damaged");
	size_t i;

	json_array_foreach(damaged, i, one) {
		const char *what = wire_string(one, "what");
		long long pages = wire_number(one, "damaged_pages");

		fprintf(out, "%s%s%s", what, *what ? ": " : "", wire_string(one, "damage"));
		if (pages > 1)
			fprintf(out, " (and %lld more page%s)", pages - 1, pages > 2 ? "s" : "");
		fputc('\n', out);
	}
	fprintf(out, "%zu of %lld snapshots good, %lld stored pages read\n",
		json_array_size(good), wire_number(rq->result, "snapshots"),
		wire_number(rq->result, "pages"));
	if (json_array_size(damaged) && json_array_size(good)) {
		fputs("good:", out);
		json_array_foreach(good, i, one)
			fprintf(out, " %s", json_string_value(one));
		fputc('\n', out);
	}
}
