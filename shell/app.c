// SPDX-License-Identifier: Apache-2.0
#include "shell/app.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/task/proc.h"
#include "proto/json.h"

#include <ctype.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A leader that ended before its threads reads as a zombie, too. */
static bool has_threads(pid_t pid)
{
	sn_auto_free pid_t *tids = NULL;
	struct sn_err err;
	size_t count;

	return proc_tids(pid, &tids, &count, &err) == 0 && count > 1;
}

enum app_state app_state(const struct catalog_app *app)
{
	struct proc_stat stat;
	struct sn_err err;

	if (app->pid <= 0 || proc_stat(app->pid, &stat, &err) < 0 ||
	    stat.start_ticks != app->start_ticks)
		return APP_ENDED;
	switch (stat.state) {
	case 'Z':
		return has_threads(app->pid) ? APP_RUNNING : APP_ENDED;
	case 'X':
		return APP_ENDED;
	case 'T':
		return APP_STOPPED;
	default:
		return APP_RUNNING;
	}
}

bool app_alive(const struct catalog_app *app)
{
	return app_state(app) != APP_ENDED;
}

bool app_ask_to_end(int pidfd)
{
	return syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) == 0 &&
	       syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0) == 0;
}

static bool name_char(char c)
{
	return isalnum((unsigned char)c) || strchr("._-", c);
}

int app_name_check(const char *name, struct sn_err *err)
{
	size_t len = strlen(name);

	if (!len || len >= sizeof(((struct catalog_app *)0)->name))
		return sn_fail(err, "\"%s\" is no name: it has to have 1 to 63 characters", name);
	if (*name == '-')
		return sn_fail(err, "\"%s\" is no name: it starts with \"-\"", name);
	for (size_t i = 0; i < len; i++) {
		if (!name_char(name[i]))
			return sn_fail(err, "\"%s\" is no name: letters, digits, \"._-\"", name);
	}
	return 0;
}

int app_name_make(struct catalog *cat, const char *wanted, char name[64], struct sn_err *err)
{
	const char *slash = strrchr(wanted, '/');
	struct catalog_app app;
	char base[48];
	size_t len = 0;
	int rc;

	for (const char *p = slash ? slash + 1 : wanted; *p && len < sizeof(base) - 1; p++) {
		if (name_char(*p) && (len || *p != '-'))
			base[len++] = *p;
	}
	base[len] = '\0';
	if (!len)
		snprintf(base, sizeof(base), "app");
	snprintf(name, 64, "%s", base);
	for (unsigned i = 2;; i++) {
		rc = catalog_app_find(cat, name, &app, err);
		if (rc <= 0)
			return rc;
		snprintf(name, 64, "%s-%u", base, i);
	}
}

void app_command_set(struct catalog_app *app, char *const *argv, size_t count)
{
	size_t used = 0;

	app->command[0] = '\0';
	for (size_t i = 0; i < count && used < sizeof(app->command) - 1; i++)
		used += (size_t)snprintf(app->command + used, sizeof(app->command) - used, "%s%s",
					 i ? " " : "", argv[i]);
	for (char *p = app->command; *p; p++) {
		if (iscntrl((unsigned char)*p))
			*p = ' ';
	}
}

void app_command_read(struct catalog_app *app, pid_t pid)
{
	struct sn_err err;
	size_t len;
	sn_auto_free char *text = proc_read(pid, "cmdline", &len, &err);

	if (!text)
		return;
	while (len && !text[len - 1])
		len--;
	for (size_t i = 0; i < len; i++) {
		if (!text[i])
			text[i] = ' ';
	}
	text[len] = '\0';
	app_command_set(app, &text, 1);
}

static const char *state_name(enum app_state state)
{
	static const char *const names[] = {
		[APP_RUNNING] = "running",
		[APP_STOPPED] = "stopped",
		[APP_ENDED] = "ended",
	};

	return names[state];
}

static json_t *exit_json(const struct catalog_app *app)
{
	int status = app->exit_status;

	if (status == -1)
		return json_pack("{s:n, s:n}", "exit_code", "exit_signal");
	if (WIFEXITED(status))
		return json_pack("{s:i, s:n}", "exit_code", WEXITSTATUS(status), "exit_signal");
	return json_pack("{s:n, s:i}", "exit_code", "exit_signal", WTERMSIG(status));
}

json_t *app_json(const struct catalog_app *app, pid_t keeper)
{
	enum app_state state = app_state(app);
	bool alive = state != APP_ENDED;
	json_t *json = json_pack("{s:s, s:s, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:o}",
				 "name", app->name,
				 "state", state_name(state), "pid", alive ? (int)app->pid : 0,
				 "keeper_pid", (int)keeper, "console_pid",
				 alive ? (int)app->console_pid : 0, "current",
				 (json_int_t)app->current, "undo", (json_int_t)app->undo,
				 "auto_interval_ns", (json_int_t)app->auto_interval_ns,
				 "auto_keep", (json_int_t)app->auto_keep,
				 "created_ns", (json_int_t)app->created_ns, "command",
				 json_text(app->command));

	if (!alive)
		json_object_update_new(json, exit_json(app));
	return json;
}

const char *app_end_words(char buf[FORMAT_MAX], const json_t *app)
{
	const json_t *code = json_object_get(app, "exit_code");
	const json_t *signal = json_object_get(app, "exit_signal");

	if (json_is_integer(code))
		return format_exit(buf, (int)json_integer_value(code) << 8);
	return format_exit(buf, json_is_integer(signal) ? (int)json_integer_value(signal) : -1);
}

json_t *snapshot_json(const struct catalog_app *app, const struct catalog_snapshot *snap)
{
	json_t *json = json_pack("{s:s, s:I, s:I, s:I, s:o, s:o, s:s, s:b, s:b}", "name", app->name,
				 "id", (json_int_t)snap->id, "parent", (json_int_t)snap->parent,
				 "created_ns", (json_int_t)snap->created_ns, "message",
				 json_text(snap->message), "tag", json_text(snap->tag), "tracker",
				 snap->tracker, "automatic", snap->taker != TAKEN_BY_PERSON,
				 "timer", snap->taker == TAKEN_BY_TIMER);
	json_t *figures = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "tasks",
				    (json_int_t)snap->tasks, "threads", (json_int_t)snap->threads,
				    "stop_ns", (json_int_t)snap->stop_ns, "wall_ns",
				    (json_int_t)snap->wall_ns, "resident_pages",
				    (json_int_t)snap->resident_pages, "dirty_pages",
				    (json_int_t)snap->dirty_pages, "copied_bytes",
				    (json_int_t)snap->copied_bytes, "stored_bytes",
				    (json_int_t)snap->stored_bytes);

	json_object_update_new(json, figures);
	return json;
}

json_t *snapshots_json(const struct catalog_app *app, const struct catalog_snapshot *snaps,
		       size_t count)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *row = snapshot_json(app, &snaps[i]);

		json_object_set_new(row, "current", json_boolean(snaps[i].id == app->current));
		json_array_append_new(rows, row);
	}
	return rows;
}
