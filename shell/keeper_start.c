// SPDX-License-Identifier: Apache-2.0
/*
 * How a keeper begins. The spec: "mode", "name", and
 *
 *	run      "argv": array of hexadecimal strings, "rows", "cols", "expect"
 *	attach   "pid"
 *	restore  "from": the application whose snapshot it is, "id", "rows", "cols", "expect"
 */
#include "shell/keeper.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/task/proc.h"
#include "proto/json.h"
#include "shell/app.h"
#include "shell/wire.h"

#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* A process on its way out looks like a kernel thread for a moment; so long it may take. */
enum { END_LIMIT_MS = 200 };

/* A process nobody wants any more. */
static void discard_child(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int start_console(struct keeper *k, const json_t *spec, struct console *console,
			 struct sn_err *err)
{
	struct console_options options = {
		.rows = (unsigned)wire_number(spec, "rows"),
		.cols = (unsigned)wire_number(spec, "cols"),
		.expect = json_is_true(json_object_get(spec, "expect")),
	};

	if (console_start(console, k->catalog_dir, k->app.name, &options, err) < 0)
		return -1;
	k->app.console_pid = console->pid;
	return 0;
}

/*
 * Whether a process can be adopted at all, asked before there is a row that would be left
 * over. Without a row the adoption fails in the end, where it is recorded; that it came as
 * far as having the process is what counts.
 */
static int try_adopt(struct keeper *k, pid_t pid, struct sn_err *err)
{
	struct session *session = NULL;
	int rc = session_open(&session, k->catalog, &k->app, err);

	if (rc == 0)
		rc = session_adopt(session, pid, err);
	if (rc < 0 && session && session_pid(session) == pid)
		rc = 0;
	session_close(session);
	return rc;
}

/* The session of a living process; a row for it when there is none. */
static int manage(struct keeper *k, pid_t pid, struct sn_err *err)
{
	struct proc_stat stat;

	if ((!k->app.id && try_adopt(k, pid, err) < 0) || proc_stat(pid, &stat, err) < 0)
		return -1;
	if (k->app.pid != pid || k->app.start_ticks != stat.start_ticks) {
		/* Another life: it stands on none of the snapshots there are. */
		k->app.current = 0;
		k->app.undo = 0;
		k->app.exit_status = -1;
		app_command_read(&k->app, pid);
	}
	k->app.pid = pid;
	k->app.start_ticks = stat.start_ticks;
	k->app.keeper_pid = getpid();
	if (!k->app.id && catalog_app_add(k->catalog, &k->app, err) < 0)
		return -1;
	if (session_open(&k->session, k->catalog, &k->app, err) < 0 ||
	    session_adopt(k->session, pid, err) < 0)
		return -1;
	return keeper_save(k, err);
}

/* A start that failed late: the row, if there is one by now, names no process. */
static int undo_start(struct keeper *k, pid_t pid)
{
	struct sn_err ignored;

	discard_child(pid);
	session_close(k->session);
	k->session = NULL;
	k->app.pid = k->app.keeper_pid = k->app.console_pid = 0;
	if (k->app.id)
		catalog_app_update(k->catalog, &k->app, &ignored);
	return -1;
}

/* ---- run ---- */

static char **read_argv(const json_t *spec, size_t *count)
{
	const json_t *words = json_object_get(spec, "argv");
	char **argv = sn_calloc(json_array_size(words) + 1, sizeof(*argv));

	for (*count = 0; *count < json_array_size(words); (*count)++)
		argv[*count] = wire_unbytes(json_array_get(words, *count), NULL);
	return argv;
}

static void free_argv(char ***argv)
{
	for (char **p = *argv; p && *p; p++)
		free(*p);
	free(*argv);
}

static int begin_run(struct keeper *k, const json_t *spec, json_t **result, struct sn_err *err)
{
	sn_auto(console_release) struct console console = {.link = -1};
	size_t count;
	sn_auto(free_argv) char **argv = read_argv(spec, &count);
	sn_auto_fd int pidfd = -1;
	pid_t pid;
	int rc;

	if (!count || !argv[0])
		return sn_fail(err, "run %s: nothing to run", k->app.name);
	if (start_console(k, spec, &console, err) < 0 ||
	    keeper_spawn(&k->inherited, console.tty, argv, &pid, err) < 0)
		return -1;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	rc = manage(k, pid, err);
	/* The kernel may not have had its arguments in place yet. */
	app_command_set(&k->app, argv, count);
	if (rc == 0)
		rc = keeper_save(k, err);
	else if (poll(&(struct pollfd){pidfd, POLLIN, 0}, 1, END_LIMIT_MS) == 1)
		rc = keeper_ended(k, pidfd, err); /* a life too short to be managed */
	if (rc < 0 || console_hand(&console, pidfd, err) < 0) {
		sn_ctx(err, "run %s", argv[0]);
		return undo_start(k, pid);
	}
	*result = app_json(&k->app, k->session ? getpid() : 0);
	return 0;
}

/* ---- attach ---- */

static int begin_attach(struct keeper *k, const json_t *spec, json_t **result, struct sn_err *err)
{
	pid_t pid = (pid_t)wire_number(spec, "pid");

	if (app_alive(&k->app) && k->app.pid != pid)
		return sn_fail(err, "attach %d: %s is another application (pid %d)", (int)pid,
			       k->app.name, (int)k->app.pid);
	if (!app_alive(&k->app))
		k->app.console_pid = 0;
	if (manage(k, pid, err) < 0)
		return -1;
	*result = app_json(&k->app, getpid());
	return 0;
}

/* ---- restore ---- */

static json_t *notes_json(const struct snap_notes *notes)
{
	json_t *lines = json_array();

	for (size_t i = 0; i < notes->count; i++)
		json_array_append_new(lines, json_text(notes->lines[i]));
	return lines;
}

/* From one's own snapshot: the session that restores is the one that is kept. */
static int restore_own(struct keeper *k, int64_t id, const struct restore_options *options,
		       struct restore_result *restored, struct sn_err *err)
{
	k->app.keeper_pid = getpid();
	if (session_open(&k->session, k->catalog, &k->app, err) < 0 ||
	    snap_restore(k->session, id, options, restored, err) < 0)
		return -1;
	return keeper_save(k, err) < 0 ? undo_start(k, restored->pid) : 0;
}

/* From another's: that one's session restores and lets go, its row stays as it was. */
static int restore_others(struct keeper *k, const struct catalog_app *from, int64_t id,
			  const struct restore_options *options, struct restore_result *restored,
			  struct sn_err *err)
{
	struct session *session = NULL;
	int rc = session_open(&session, k->catalog, from, err);

	if (rc == 0)
		rc = snap_restore(session, id, options, restored, err);
	session_close(session);
	if (rc < 0)
		return -1;
	if (catalog_app_update(k->catalog, from, err) < 0 || manage(k, restored->pid, err) < 0)
		return undo_start(k, restored->pid);
	return 0;
}

static int begin_restore(struct keeper *k, const json_t *spec, json_t **result, struct sn_err *err)
{
	sn_auto(console_release) struct console console = {.link = -1};
	const char *from_name = wire_string(spec, "from");
	struct restore_options options = {
		.tty = console.tty,
		.lazy = json_is_true(json_object_get(spec, "lazy")),
	};
	struct restore_result restored = {0};
	int64_t id = wire_number(spec, "id");
	struct catalog_app from;
	int rc;

	if (!from_name || catalog_app_find(k->catalog, from_name, &from, err) != 1)
		return sn_fail(err, "restore: there is no application \"%s\"",
			       from_name ? from_name : "");
	if (start_console(k, spec, &console, err) < 0)
		return -1;
	if (from.id == k->app.id)
		rc = restore_own(k, id, &options, &restored, err);
	else
		rc = restore_others(k, &from, id, &options, &restored, err);
	if (rc == 0 && console_hand(&console, session_pidfd(k->session), err) < 0)
		rc = undo_start(k, restored.pid);
	if (rc < 0) {
		snap_notes_release(&restored.notes);
		return -1;
	}
	*result = json_pack("{s:s, s:s, s:I, s:i, s:i, s:I, s:I, s:I, s:I, s:o}",
			    "name", k->app.name, "from_name", from_name,
			    "from", (json_int_t)restored.from, "pid", (int)restored.pid,
			    "keeper_pid", (int)getpid(), "wall_ns", (json_int_t)restored.wall_ns,
			    "filled_pages", (json_int_t)restored.filled_pages,
			    "lazy_pages", (json_int_t)restored.lazy_pages,
			    "demanded_pages", (json_int_t)restored.demanded_pages,
			    "notes", notes_json(&restored.notes));
	snap_notes_release(&restored.notes);
	return 0;
}

/* ---- */

static const struct {
	const char *mode;
	int (*begin)(struct keeper *k, const json_t *spec, json_t **result, struct sn_err *err);
	bool on_living; /* the row's process may be alive */
} modes[] = {
	{"run", begin_run, false},
	{"attach", begin_attach, true},
	{"restore", begin_restore, false},
};

int keeper_begin(struct keeper *k, const json_t *spec, json_t **result, struct sn_err *err)
{
	const char *mode = wire_string(spec, "mode");
	const char *name = wire_string(spec, "name");
	int rc = catalog_app_find(k->catalog, name, &k->app, err);

	if (rc < 0)
		return -1;
	if (rc == 0) {
		k->app = (struct catalog_app){.exit_status = -1};
		snprintf(k->app.name, sizeof(k->app.name), "%s", name);
	}
	for (size_t i = 0; mode && i < sn_countof(modes); i++) {
		if (strcmp(modes[i].mode, mode) != 0)
			continue;
		if (!modes[i].on_living && app_alive(&k->app))
			return sn_fail(err, "%s %s: it is alive (pid %d)", mode, name,
				       (int)k->app.pid);
		return modes[i].begin(k, spec, result, err);
	}
	return sn_fail(err, "a keeper is not started by hand");
}
