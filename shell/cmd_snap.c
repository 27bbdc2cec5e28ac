// SPDX-License-Identifier: Apache-2.0
#include "core/base/guard.h"
#include "core/base/pagemap.h"
#include "proto/json.h"
#include "shell/client.h"
#include "shell/commands.h"
#include "shell/format.h"
#include "shell/wire.h"

#include <string.h>

static bool is_one_of(const char *value, const char *const *set, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(set[i], value) == 0)
			return true;
	}
	return false;
}

static int check_values(struct request *rq, struct sn_err *err)
{
	static const char *const trackers[] = {"auto", "soft-dirty", "uffd", "compare"};
	static const char *const thens[] = {"run", "stop", "kill"};
	const char *tracker = request_option(rq, "tracker");
	const char *then = request_option(rq, "then");

	if (tracker && !is_one_of(tracker, trackers, sn_countof(trackers)))
		return request_usage(rq, err, "snap: there is no tracker \"%s\"", tracker);
	if (then && !is_one_of(then, thens, sn_countof(thens)))
		return request_usage(rq, err, "snap: --then takes run, stop or kill, not \"%s\"",
				     then);
	return 0;
}

int cmd_snap(struct request *rq, struct sn_err *err)
{
	static const char *const passed[] = {"message", "tag", "tracker", "then"};
	struct catalog_app app;
	json_t *args;

	if (check_values(rq, err) < 0 || client_app(rq->shell, request_word(rq, 0), &app, err) < 0)
		return -1;
	args = json_object();
	for (size_t i = 0; i < sn_countof(passed); i++) {
		const char *value = request_option(rq, passed[i]);

		if (value)
			json_object_set_new(args, passed[i], json_text(value));
	}
	if (request_option(rq, "no-precopy"))
		json_object_set_new(args, "no_precopy", json_true());
	return client_call(rq->shell, &app, "snap", args, &rq->result, err);
}

void render_snap(FILE *out, const struct request *rq)
{
	const json_t *snap = rq->result;
	char parent[40] = "", changed[FORMAT_MAX], stopped[FORMAT_MAX];

	if (wire_number(snap, "parent"))
		snprintf(parent, sizeof(parent), "  parent %lld", wire_number(snap, "parent"));
	fprintf(out, "%s@%lld%s  %s changed  stopped %s\n", wire_string(snap, "name"),
		wire_number(snap, "id"), parent,
		format_bytes(changed, (uint64_t)wire_number(snap, "dirty_pages") * PAGE_BYTES),
		format_ns(stopped, (uint64_t)wire_number(snap, "stop_ns")));
}
