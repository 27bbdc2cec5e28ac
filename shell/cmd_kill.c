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

static bool has_ended(int pidfd, int limit_ms)
{
	struct pollfd end = {pidfd, POLLIN, 0};

	return poll(&end, 1, limit_ms) == 1;
}

static int end_process(int pidfd, bool term, struct sn_err *err)
{
	if (term && app_ask_to_end(pidfd) && has_ended(pidfd, APP_TERM_LIMIT_MS))
		return 0;
	if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		return sn_fail_sys(err, "signal it");
	return has_ended(pidfd, APP_KILL_LIMIT_MS) ? 0 : sn_fail(err, "it did not end");
}

/* Without its keeper: told by pid and start time, and ended. */
static int kill_unkept(struct request *rq, struct catalog_app *app, bool term, struct sn_err *err)
{
	sn_auto_fd int pidfd = (int)syscall(SYS_pidfd_open, app->pid, 0);

	/* Asked after the pidfd is held: it stays this process. */
	if (pidfd >= 0 && app_alive(app) && end_process(pidfd, term, err) < 0)
		return sn_ctx(err, "kill %s: process %d", app->name, (int)app->pid);
	client_tidy(rq->shell, app);
	rq->result = app_json(app, 0);
	return 0;
}

int cmd_kill(struct request *rq, struct sn_err *err)
{
	bool term = request_option(rq, "term") != NULL;
	struct catalog_app app;
	char how[FORMAT_MAX];

	if (client_app(rq->shell, request_word(rq, 0), &app, err) < 0)
		return -1;
	if (!app_alive(&app)) {
		client_tidy(rq->shell, &app);
		return sn_fail(err, "kill %s: it has ended already (%s)", app.name,
			       format_exit(how, app.exit_status));
	}
	if (!client_keeper(rq->shell, &app))
		return kill_unkept(rq, &app, term, err);
	return client_call(rq->shell, &app, "kill", json_pack("{s:b}", "term", term), &rq->result,
			   err);
}

void render_kill(FILE *out, const struct request *rq)
{
	char how[FORMAT_MAX];

	fprintf(out, "%s %s\n", wire_string(rq->result, "name"), app_end_words(how, rq->result));
}
