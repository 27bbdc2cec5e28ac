// SPDX-License-Identifier: Apache-2.0
#include "core/base/guard.h"
#include "shell/app.h"
#include "shell/client.h"
#include "shell/commands.h"
#include "shell/format.h"
#include "shell/wire.h"

#include <string.h>

int cmd_apps(struct request *rq, struct sn_err *err)
{
	struct catalog *cat = shell_catalog(rq->shell, err);
	sn_auto_free struct catalog_app *apps = NULL;
	size_t count;

	if (!cat || catalog_app_list(cat, &apps, &count, err) < 0)
		return -1;
	rq->result = json_array();
	for (size_t i = 0; i < count; i++) {
		pid_t keeper = app_alive(&apps[i]) ? client_keeper(rq->shell, &apps[i]) : 0;

		client_tidy(rq->shell, &apps[i]);
		json_array_append_new(rq->result, app_json(&apps[i], keeper));
	}
	return 0;
}

static void state_words(char buf[FORMAT_MAX], const json_t *app)
{
	if (strcmp(wire_string(app, "state"), "ended") == 0)
		app_end_words(buf, app);
	else
		snprintf(buf, FORMAT_MAX, "%s%s", wire_string(app, "state"),
			 wire_number(app, "keeper_pid") ? "" : ", no keeper");
}

void render_apps(FILE *out, const struct request *rq)
{
	if (!json_array_size(rq->result)) {
		fputs("no applications; \"snapsh run CMD\" starts one, "
		      "\"snapsh attach PID\" adopts one\n",
		      out);
		return;
	}
	fprintf(out, "%-16s %8s  %-22s %4s  %s\n", "NAME", "PID", "STATE", "AT", "COMMAND");
	for (size_t i = 0; i < json_array_size(rq->result); i++) {
		const json_t *app = json_array_get(rq->result, i);
		char state[FORMAT_MAX], pid[24], at[24];

		state_words(state, app);
		snprintf(pid, sizeof(pid), "%lld", wire_number(app, "pid"));
		snprintf(at, sizeof(at), "%lld", wire_number(app, "current"));
		fprintf(out, "%-16s %8s  %-22s %4s  %s\n", wire_string(app, "name"),
			wire_number(app, "pid") ? pid : "-", state,
			wire_number(app, "current") ? at : "-", wire_string(app, "command"));
	}
}
