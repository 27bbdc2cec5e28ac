// SPDX-License-Identifier: Apache-2.0
#include "shell/app.h"
#include "shell/client.h"
#include "shell/start.h"

#include <sys/wait.h>
#include <unistd.h>

int start_name(struct request *rq, const char *fallback, char name[64], struct sn_err *err)
{
	const char *wanted = request_option(rq, "name");
	struct catalog *cat = shell_catalog(rq->shell, err);
	struct catalog_app app;
	int rc;

	if (!cat)
		return -1;
	if (!wanted)
		return app_name_make(cat, fallback, name, err);
	if (app_name_check(wanted, err) < 0)
		return -1;
	rc = catalog_app_find(cat, wanted, &app, err);
	if (rc < 0)
		return -1;
	if (rc && app_alive(&app))
		return sn_fail(err, "%s is running (pid %d): choose another name with -n", wanted,
			       (int)app.pid);
	snprintf(name, 64, "%s", wanted);
	return 0;
}

void start_tell(const struct catalog_app *app, bool left)
{
	bool person = isatty(STDIN_FILENO);
	char how[FORMAT_MAX];

	/* the cursor is where the application left it */
	if (left)
		fprintf(stderr, "%s%s runs on; \"snapsh console %s\" is its terminal\n",
			person ? "\n" : "", app->name, app->name);
	else if (person && (app->exit_status == -1 || WIFSIGNALED(app->exit_status)))
		fprintf(stderr, "\n%s %s\n", app->name, format_exit(how, app->exit_status));
}

int start_stay(struct request *rq, const char *name, struct sn_err *err)
{
	struct catalog_app app;
	bool left;

	if (client_app(rq->shell, name, &app, err) < 0 ||
	    client_terminal(rq->shell, &app, true, &left, err) < 0)
		return -1;
	json_decref(rq->result);
	rq->result = NULL;
	start_tell(&app, left);
	rq->status = left ? STATUS_DONE : client_exit_code(&app);
	return 0;
}
