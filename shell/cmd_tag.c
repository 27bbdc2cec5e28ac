// SPDX-License-Identifier: Apache-2.0
/* tag and untag: both write the catalog and need no keeper. */
#include "core/base/guard.h"
#include "proto/json.h"
#include "shell/commands.h"
#include "shell/wire.h"
#include "snap/snap.h"

#include <string.h>

static int find(struct request *rq, struct catalog_app *app, struct catalog_snapshot *snap,
		struct sn_err *err)
{
	struct catalog *cat = shell_catalog(rq->shell, err);

	return cat ? snap_ref(cat, rq->words[0], shell_selected(rq->shell), app, snap, err) : -1;
}

static int set(struct request *rq, const struct catalog_app *app,
	       const struct catalog_snapshot *snap, const char *tag, struct sn_err *err)
{
	if (catalog_snapshot_tag(rq->shell->catalog, app->id, snap->id, tag, err) < 0)
		return sn_ctx(err, "%s", app->name);
	rq->result = json_pack("{s:s, s:I, s:o, s:o}", "name", app->name, "id",
			       (json_int_t)snap->id, "tag", json_text(tag), "was",
			       json_text(snap->tag));
	return 0;
}

int cmd_tag(struct request *rq, struct sn_err *err)
{
	const char *tag = rq->words[1];
	struct catalog_snapshot snap;
	struct catalog_app app;

	if (!tag[0])
		return request_usage(rq, err, "tag: \"untag\" takes a tag away");
	if (find(rq, &app, &snap, err) < 0)
		return -1;
	return set(rq, &app, &snap, tag, err);
}

int cmd_untag(struct request *rq, struct sn_err *err)
{
	struct catalog_snapshot snap;
	struct catalog_app app;

	if (find(rq, &app, &snap, err) < 0)
		return -1;
	if (!snap.tag[0])
		return sn_fail(err, "untag %s@%lld: it has no tag", app.name, (long long)snap.id);
	return set(rq, &app, &snap, "", err);
}

void render_tag(FILE *out, const struct request *rq)
{
	const json_t *r = rq->result;
	const char *tag = wire_string(r, "tag"), *was = wire_string(r, "was");

	fprintf(out, "%s@%lld is tagged %s", wire_string(r, "name"), wire_number(r, "id"),
		*tag ? tag : was);
	if (!*tag)
		fputs(" no more", out);
	else if (*was && strcmp(was, tag) != 0)
		fprintf(out, ", no more %s", was);
	fputc('\n', out);
}
