// SPDX-License-Identifier: Apache-2.0
#include "shell/app.h"
#include "shell/client.h"
#include "shell/commands.h"
#include "shell/start.h"
#include "shell/wire.h"

int cmd_console(struct request *rq, struct sn_err *err)
{
	struct catalog_app app;
	char how[FORMAT_MAX];
	bool left;

	if (client_app(rq->shell, request_word(rq, 0), &app, err) < 0)
		return -1;
	if (!app_alive(&app))
		return sn_fail(err, "console %s: the application is gone (%s)", app.name,
			       format_exit(how, app.exit_status));
	if (client_terminal(rq->shell, &app, false, &left, err) < 0)
		return sn_ctx(err, "console");
	if (!rq->json)
		start_tell(&app, left);
	rq->result = json_pack("{s:s, s:b}", "name", app.name, "ended", !left);
	return 0;
}
