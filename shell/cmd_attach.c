// SPDX-License-Identifier: Apache-2.0
#include "core/base/guard.h"
#include "core/task/proc.h"
#include "shell/app.h"
#include "shell/client.h"
#include "shell/commands.h"
#include "shell/start.h"
#include "shell/wire.h"

#include <errno.h>
#include <string.h>

static bool same_process(const struct catalog_app *app, pid_t pid)
{
	return app->pid == pid && app_alive(app);
}

/* The application that knows this process already, if any: 1 found, 0, -1. */
static int find_by_pid(struct catalog *cat, pid_t pid, struct catalog_app *app, struct sn_err *err)
{
	sn_auto_free struct catalog_app *apps = NULL;
	size_t count;

	if (catalog_app_list(cat, &apps, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (!same_process(&apps[i], pid))
			continue;
		*app = apps[i];
		return 1;
	}
	return 0;
}

/* Ourselves by another name: to freeze it would be to wait for oneself. */
static int refuse_own(struct request *rq, pid_t pid, struct sn_err *err)
{
	sn_auto_free struct catalog_app *apps = NULL;
	size_t count;

	if (catalog_app_list(rq->shell->catalog, &apps, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (apps[i].keeper_pid == pid && client_keeper(rq->shell, &apps[i]) == pid)
			return sn_fail(err, "attach %d: it is the keeper of %s", (int)pid,
				       apps[i].name);
		if (apps[i].console_pid == pid && app_alive(&apps[i]))
			return sn_fail(err, "attach %d: it is the console of %s", (int)pid,
				       apps[i].name);
	}
	return 0;
}

static int attach_name(struct request *rq, pid_t pid, char name[64], struct sn_err *err)
{
	const char *wanted = request_option(rq, "name");
	struct catalog *cat = shell_catalog(rq->shell, err);
	sn_auto_free char *comm = NULL;
	struct catalog_app known;
	pid_t keeper;
	int rc = cat ? refuse_own(rq, pid, err) : -1;

	if (rc == 0)
		rc = find_by_pid(cat, pid, &known, err);

	if (rc < 0)
		return -1;
	if (rc == 0) {
		comm = proc_read(pid, "comm", NULL, err);
		if (!comm && (err->code == ENOENT || err->code == ESRCH))
			return sn_fail(err, "attach %d: no such process", (int)pid);
		if (!comm)
			return sn_ctx(err, "attach %d", (int)pid);
		return start_name(rq, comm, name, err);
	}
	keeper = client_keeper(rq->shell, &known);
	if (keeper)
		return sn_fail(err, "attach %d: it is managed already, as %s (keeper %d)", (int)pid,
			       known.name, (int)keeper);
	if (wanted && strcmp(wanted, known.name) != 0)
		return sn_fail(err, "attach %d: it is known as %s: \"snapsh attach %d -n %s\"",
			       (int)pid, known.name, (int)pid, known.name);
	snprintf(name, 64, "%s", known.name);
	return 0;
}

int cmd_attach(struct request *rq, struct sn_err *err)
{
	struct sn_err why;
	char name[64];
	pid_t pid;

	if (parse_pid(rq->words[0], &pid, &why) < 0)
		return request_usage(rq, err, "attach: %s", why.text);
	if (attach_name(rq, pid, name, err) < 0)
		return -1;
	return client_start(rq->shell, name,
			    json_pack("{s:s, s:i}", "mode", "attach", "pid", (int)pid), &rq->result,
			    err);
}

void render_attach(FILE *out, const struct request *rq)
{
	fprintf(out, "%s is pid %lld\n", wire_string(rq->result, "name"),
		wire_number(rq->result, "pid"));
}
