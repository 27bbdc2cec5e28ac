// SPDX-License-Identifier: Apache-2.0
#include "core/base/guard.h"
#include "shell/app.h"
#include "shell/client.h"
#include "shell/commands.h"
#include "shell/format.h"
#include "shell/wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

enum { KILL_LIMIT_MS = 10000 };

/* Without its keeper: told by pid and start time, and ended. */
static int kill_unkept(struct request *rq, struct catalog_app *app, bool term, struct sn_err *err)
{
	sn_auto_fd int pidfd = (int)syscall(SYS_pidfd_open, app->pid, 0);
	struct pollfd end = {pidfd, POLLIN, 0};

	/* Asked after the pidfd is held: it stays this process. */
	if (pidfd >= 0 && app_alive(app)) {
		if (syscall(SYS_pidfd_send_signal, pidfd, term ? SIGTERM : SIGKILL, NULL, 0) < 0 &&
		    errno != ESRCH)
			return sn_fail_sys(err, "kill %s: signal %d", app->name, (int)app->pid);
		if (poll(&end, 1, KILL_LIMIT_MS) != 1)
			return sn_fail(err, "kill %s: %d did not end", app->name, (int)app->pid);
	}
	client_tidy(rq->shell, app);
	rq->result = app_json(app, 0);
	return 0;
}

int cmd_kill(struct request *rq, struct sn_err *err)
{
	bool term = request_option(rq, "term") != NULL;
	struct catalog_app app;

	if (client_app(rq->shell, request_word(rq, 0), &app, err) < 0)
		return -1;
	if (app_alive(&app) && !client_keeper(rq->shell, &app))
		return kill_unkept(rq, &app, term, err);
	return client_call(rq->shell, &app, "kill", json_pack("{s:b}", "term", term), &rq->result,
			   err);
}

void render_kill(FILE *out, const struct request *rq)
{
	char how[FORMAT_MAX];

	fprintf(out, "%s %s\n", wire_string(rq->result, "name"), app_end_words(how, rq->result));
}
