// SPDX-License-Identifier: Apache-2.0
#include "core/base/guard.h"
#include "shell/app.h"
#include "shell/client.h"
#include "shell/commands.h"
#include "shell/format.h"
#include "shell/start.h"
#include "shell/wire.h"
#include "snap/snap.h"

static int write_pidfile(const char *path, long long pid, struct sn_err *err)
{
	sn_auto_file FILE *file = fopen(path, "we");

	if (!file || fprintf(file, "%lld\n", pid) < 0 || fflush(file) != 0)
		return sn_fail_sys(err, "it runs as pid %lld, but writing %s", pid, path);
	return 0;
}

int cmd_restore(struct request *rq, struct sn_err *err)
{
	bool background = request_option(rq, "detach") || rq->json;
	const char *pidfile = request_option(rq, "pidfile");
	struct catalog *cat = shell_catalog(rq->shell, err);
	struct catalog_snapshot snap;
	struct catalog_app from;
	char name[64];

	if (!cat || snap_ref(cat, rq->words[0], shell_selected(rq->shell), &from, &snap, err) < 0)
		return -1;
	if (!request_option(rq, "name") && app_alive(&from))
		return sn_fail(err,
			       "restore %s@%lld: %s is alive (pid %d): use "
			       "\"snapsh revert %s@%lld\"",
			       from.name, (long long)snap.id, from.name, (int)from.pid, from.name,
			       (long long)snap.id);
	if (!request_option(rq, "name"))
		snprintf(name, sizeof(name), "%s", from.name);
	else if (start_name(rq, NULL, name, err) < 0)
		return -1;
	if (client_start(rq->shell, name,
			 json_pack("{s:s, s:s, s:I, s:b, s:b}", "mode", "restore", "from",
				   from.name, "id", (json_int_t)snap.id, "expect", !background,
				   "lazy", request_option(rq, "lazy") != NULL),
			 &rq->result, err) < 0)
		return -1;
	if (pidfile && write_pidfile(pidfile, wire_number(rq->result, "pid"), err) < 0)
		return sn_ctx(err, "restore %s@%lld", from.name, (long long)snap.id);
	if (background)
		return 0;
	render_restore(stderr, rq);
	return start_stay(rq, name, err);
}

void render_restore(FILE *out, const struct request *rq)
{
	char wall[FORMAT_MAX];
	const json_t *note;
	size_t i;

	fprintf(out, "%s is back at %s@%lld as pid %lld (%lld pages, %s)\n",
		wire_string(rq->result, "name"), wire_string(rq->result, "from_name"),
		wire_number(rq->result, "from"), wire_number(rq->result, "pid"),
		wire_number(rq->result, "filled_pages"),
		format_ns(wall, (uint64_t)wire_number(rq->result, "wall_ns")));
	if (wire_number(rq->result, "lazy_pages"))
		fprintf(out, "  %lld pages come when they are touched, and in the background\n",
			wire_number(rq->result, "lazy_pages"));
	if (wire_number(rq->result, "demanded_pages"))
		fprintf(out, "  first the %lld that an earlier restore was asked for\n",
			wire_number(rq->result, "demanded_pages"));
	json_array_foreach(json_object_get(rq->result, "notes"), i, note)
		fprintf(out, "  %s\n", json_string_value(note));
}
