// SPDX-License-Identifier: Apache-2.0
#include "shell/client.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/app.h"
#include "shell/background.h"
#include "shell/format.h"
#include "shell/progress.h"
#include "shell/terminal.h"
#include "shell/wire.h"
#include "snap/snap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>

int client_app(struct shell *shell, const char *name, struct catalog_app *app, struct sn_err *err)
{
	struct catalog *cat = shell_catalog(shell, err);

	return cat ? snap_app(cat, name, shell_selected(shell), app, err) : -1;
}

void client_tidy(struct shell *shell, struct catalog_app *app)
{
	sn_auto_free char *file = sn_asprintf("%s.log", app->name);
	struct sn_err ignored;
	sn_auto_fd int dir = -1;
	sn_auto_fd int lock = -1;

	if (!app->pid || app_alive(app))
		return;
	dir = wire_apps_dir(shell->catalog_dir, &ignored);
	lock = openat(dir, file, O_RDWR | O_CLOEXEC);
	/* One that holds the lock does it itself. */
	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0 ||
	    catalog_app_find(shell->catalog, app->name, app, &ignored) != 1 || !app->pid ||
	    app_alive(app))
		return;
	app->pid = app->keeper_pid = app->console_pid = 0;
	app->exit_status = -1;
	catalog_app_update(shell->catalog, app, &ignored);
	wire_unlink(dir, app->name, "sock");
}

/* Nobody listens at its socket: why, and what to do. */
static int explain_absence(const struct catalog_app *app, struct sn_err *err)
{
	char exit[FORMAT_MAX];

	if (app_alive(app))
		return sn_fail(err,
			       "%s: its keeper is gone (pid %d): adopt it again with "
			       "\"snapsh attach %d -n %s\"",
			       app->name, (int)app->pid, (int)app->pid, app->name);
	if (app->current)
		return sn_fail(err,
			       "%s: the application is gone (%s): bring it back with "
			       "\"snapsh restore %s@%lld\"",
			       app->name, format_exit(exit, app->exit_status), app->name,
			       (long long)app->current);
	return sn_fail(err, "%s: the application is gone (%s)", app->name,
		       format_exit(exit, app->exit_status));
}

static int connect_to(struct shell *shell, const struct catalog_app *app, struct sn_err *err)
{
	sn_auto_fd int dir = -1;

	if (!shell_catalog(shell, err))
		return -1;
	dir = wire_apps_dir(shell->catalog_dir, err);
	return dir < 0 ? -1 : wire_connect(dir, app->name, "sock", err);
}

/* Why nobody answers, as the catalog now has it: the application may have ended, and said how,
 * since the row was read. */
static int explain_now(struct shell *shell, const struct catalog_app *app, struct sn_err *err)
{
	struct catalog_app now = *app;

	if (catalog_app_find(shell->catalog, app->name, &now, err) < 0)
		return -1;
	client_tidy(shell, &now);
	return explain_absence(&now, err);
}

int client_connect(struct shell *shell, const struct catalog_app *app, struct sn_err *err)
{
	int fd = connect_to(shell, app, err);

	if (fd >= 0)
		return fd;
	if (err->code != ENOENT && err->code != ECONNREFUSED)
		return sn_ctx(err, "%s: ask its keeper", app->name);
	return explain_now(shell, app, err);
}

pid_t client_keeper(struct shell *shell, const struct catalog_app *app)
{
	struct sn_err err;
	sn_auto_fd int fd = connect_to(shell, app, &err);

	return fd < 0 ? 0 : wire_peer_pid(fd);
}

/* A descriptor comes in front of the line, in a message of its own. */
static int receive_fd(int fd)
{
	char first;

	if (recv(fd, &first, 1, MSG_PEEK) != 1 || first == '{')
		return -1;
	return wire_receive_fd(fd);
}

int client_call(struct shell *shell, const struct catalog_app *app, const char *command,
		json_t *args, json_t **result, struct sn_err *err)
{
	return client_call_fd(shell, app, command, args, result, NULL, err);
}

int client_call_fd(struct shell *shell, const struct catalog_app *app, const char *command,
		   json_t *args, json_t **result, int *passed, struct sn_err *err)
{
	json_t *message = json_pack("{s:s, s:o, s:b}", "command", command, "args", args, "progress",
				    !passed);
	json_t *answer = NULL;
	sn_auto_fd int fd = client_connect(shell, app, err);
	sn_auto_free char *what = sn_asprintf("%s %s", command, app->name);
	int rc = fd < 0 ? -1 : wire_send(fd, message, err);
	struct progress *progress;

	json_decref(message);
	/* one that ends while we speak has closed its side */
	if (rc < 0 && (fd < 0 || (err->code != EPIPE && err->code != ECONNRESET)))
		return -1;
	progress = progress_begin(what, NULL);
	if (passed)
		*passed = receive_fd(fd);
	rc = progress_answer(progress, fd, &answer, err);
	progress_end(progress);
	if (rc < 0 && err->code == EINTR)
		return sn_fail(err, "%s: %s: interrupted; its keeper goes on", app->name, command);
	if (rc < 0)
		return sn_ctx(err, "%s: %s", app->name, command);
	if (rc == 0) {
		explain_now(shell, app, err);
		return sn_ctx(err, "%s: its keeper ended before it answered", command);
	}
	rc = wire_answer(answer, result, err);
	json_decref(answer);
	return rc;
}

int client_start(struct shell *shell, const char *name, json_t *spec, json_t **result,
		 struct sn_err *err)
{
	const char *mode = wire_string(spec, "mode");
	sn_auto_free char *what = sn_asprintf("%s %s", mode ? mode : "start", name);
	struct progress *progress;
	unsigned rows, cols;
	int rc;

	terminal_size(&rows, &cols);
	json_object_set_new(spec, "catalog",
			    wire_bytes(shell->catalog_dir, strlen(shell->catalog_dir)));
	json_object_set_new(spec, "name", json_string(name));
	json_object_set_new(spec, "rows", json_integer(rows));
	json_object_set_new(spec, "cols", json_integer(cols));
	json_object_set_new(spec, "progress", json_true());
	progress = progress_begin(what, NULL);
	rc = background_start("keeper", name, spec, progress, NULL, result, err);
	progress_end(progress);
	return rc;
}

int client_terminal(struct shell *shell, struct catalog_app *app, bool fresh, bool *left,
		    struct sn_err *err)
{
	sn_auto_fd int dir = wire_apps_dir(shell->catalog_dir, err);
	/* Held, not spoken over: its end says that the application's is recorded. */
	sn_auto_fd int keeper = connect_to(shell, app, err);
	char byte;

	if (dir < 0)
		return -1;
	if (terminal_use(dir, app->name, fresh, left, err) < 0) {
		if (err->code != ENOENT && err->code != ECONNREFUSED)
			return -1;
		return sn_fail(err, "%s: it has no terminal of snapsh's", app->name);
	}
	if (!*left && keeper >= 0) {
		while (recv(keeper, &byte, 1, 0) < 0 && errno == EINTR)
			;
	}
	if (catalog_app_find(shell->catalog, app->name, app, err) < 0)
		return -1;
	return 0;
}

int client_exit_code(const struct catalog_app *app)
{
	int status = app->exit_status;

	if (status == -1)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
