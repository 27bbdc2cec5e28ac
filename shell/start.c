// SPDX-License-Identifier: Apache-2.0
#include "shell/app.h"
#include "shell/client.h"
#include "shell/start.h"

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

int start_stay(struct request *rq, const char *name, struct sn_err *err)
{
	struct catalog_app app;
	bool left;

	if (client_app(rq->shell, name, &app, err) < 0 ||
	    client_terminal(rq->shell, &app, true, &left, err) < 0)
		return -1;
	json_decref(rq->result);
	rq->result = NULL;
	if (left) {
		fprintf(stderr, "%s runs on; \"snapsh console %s\" is its terminal\n", name, name);
		return 0;
	}
	rq->status = client_exit_code(&app);
	return 0;
}
