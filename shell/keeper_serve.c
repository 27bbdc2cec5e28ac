// SPDX-License-Identifier: Apache-2.0
/*
 * What a keeper is asked. "args" of each are the fields its function reads; what is
 * not there has the meaning it has on the command line when left out.
 */
#include "shell/keeper.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/app.h"
#include "shell/wire.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

static int serve_snap(struct keeper *k, const json_t *args, json_t **result, struct sn_err *err)
{
	struct take_options options = {
		.message = wire_string(args, "message"),
		.tag = wire_string(args, "tag"),
		.tracker = wire_string(args, "tracker"),
		.no_precopy = json_is_true(json_object_get(args, "no_precopy")),
	};
	struct catalog_snapshot taken = {0};
	const char *then = wire_string(args, "then");

	if (then && strcmp(then, "stop") == 0)
		options.then = TAKE_THEN_STOP;
	else if (then && strcmp(then, "kill") == 0)
		options.then = TAKE_THEN_KILL;
	if (snap_take(k->session, &options, &taken, err) < 0)
		return -1;
	k->gc_due.taken++;
	gc_when_due(k->catalog, &k->gc_due);
	*result = snapshot_json(&k->app, &taken);
	/* So that whoever asked finds it ended, not ending. */
	if (options.then == TAKE_THEN_KILL)
		keeper_wait_end(k, APP_KILL_LIMIT_MS);
	return 0;
}

static json_t *reverted_json(const struct keeper *k, const struct revert_result *reverted)
{
	json_t *notes = json_array();

	for (size_t i = 0; i < reverted->notes.count; i++)
		json_array_append_new(notes, json_text(reverted->notes.lines[i]));
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:o}", "name", k->app.name, "mode",
			 reverted->mode, "to", (json_int_t)reverted->to, "undo",
			 (json_int_t)reverted->undo, "stop_ns", (json_int_t)reverted->stop_ns,
			 "written_pages", (json_int_t)reverted->written_pages, "notes", notes);
}

static int serve_revert(struct keeper *k, const json_t *args, json_t **result, struct sn_err *err)
{
	struct revert_result reverted = {0};

	if (snap_revert(k->session, wire_number(args, "id"), &reverted, err) < 0)
		return -1;
	k->gc_due.taken++;
	gc_when_due(k->catalog, &k->gc_due);
	*result = reverted_json(k, &reverted);
	snap_notes_release(&reverted.notes);
	return 0;
}

static int serve_undo(struct keeper *k, const json_t *args, json_t **result, struct sn_err *err)
{
	struct revert_result reverted = {0};

	(void)args;
	if (snap_undo(k->session, &reverted, err) < 0)
		return -1;
	*result = reverted_json(k, &reverted);
	snap_notes_release(&reverted.notes);
	return 0;
}

static json_t *image_json(const Sn__Image *image)
{
	size_t len = sn__image__get_packed_size(image);
	sn_auto_free uint8_t *packed = sn_malloc(len);

	sn__image__pack(image, packed);
	return wire_bytes(packed, len);
}

/* The model of the living process, packed. */
static int serve_image(struct keeper *k, const json_t *args, json_t **result, struct sn_err *err)
{
	Sn__Image *image = NULL;

	(void)args;
	if (snap_image_live(k->session, &image, err) < 0)
		return -1;
	*result = json_pack("{s:o}", "image", image_json(image));
	sn__image__free_unpacked(image, NULL);
	return 0;
}

/* The same with its memory, in a file that is passed. */
static int serve_look(struct keeper *k, const json_t *args, json_t **result, struct sn_err *err)
{
	struct snap_look look;

	(void)args;
	if (snap_look(k->session, &look, err) < 0)
		return -1;
	*result = json_pack("{s:o, s:I, s:I, s:I}", "image", image_json(look.image), "pages",
			    (json_int_t)look.pages, "runs", (json_int_t)look.runs, "stop_ns",
			    (json_int_t)look.stop_ns);
	k->passed = sn_steal_fd(&look.fd);
	snap_look_release(&look);
	return 0;
}

static int serve_detach(struct keeper *k, const json_t *args, json_t **result, struct sn_err *err)
{
	(void)args;
	if (keeper_detach(k, err) < 0)
		return -1;
	*result = json_pack("{s:s, s:i}", "name", k->app.name, "pid", (int)k->app.pid);
	return 0;
}

static int serve_kill(struct keeper *k, const json_t *args, json_t **result, struct sn_err *err)
{
	bool term = json_is_true(json_object_get(args, "term"));
	int pidfd = session_pidfd(k->session);

	if (term && app_ask_to_end(pidfd))
		keeper_wait_end(k, APP_TERM_LIMIT_MS);
	if (k->session) {
		if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
			return sn_fail_sys(err, "kill %s: signal %d", k->app.name, (int)k->app.pid);
		if (!keeper_wait_end(k, APP_KILL_LIMIT_MS))
			return sn_fail(err, "kill %s: %d did not end", k->app.name,
				       (int)k->app.pid);
	}
	*result = app_json(&k->app, 0);
	return 0;
}

/* Without an interval: how it is set. */
static int serve_auto(struct keeper *k, const json_t *args, json_t **result, struct sn_err *err)
{
	if (json_object_get(args, "interval_ns")) {
		int64_t ns = wire_number(args, "interval_ns");
		int64_t keep = ns ? wire_number(args, "keep") : 0;

		if (catalog_app_set_auto(k->catalog, k->app.id, ns, keep, err) < 0)
			return -1;
		k->app.auto_interval_ns = ns;
		k->app.auto_keep = keep;
		if (keeper_auto_start(k, err) < 0)
			return -1;
	}
	*result = json_pack("{s:s, s:I, s:I, s:o}", "name", k->app.name, "interval_ns",
			    (json_int_t)k->app.auto_interval_ns, "keep",
			    (json_int_t)k->app.auto_keep, "failed", json_text(k->auto_failed));
	return 0;
}

static const struct {
	const char *command;
	int (*serve)(struct keeper *k, const json_t *args, json_t **result, struct sn_err *err);
} requests[] = {
	{"snap", serve_snap},	{"revert", serve_revert}, {"undo", serve_undo},
	{"image", serve_image}, {"look", serve_look},	  {"detach", serve_detach},
	{"kill", serve_kill},	{"auto", serve_auto},
};

json_t *keeper_answer(struct keeper *k, const json_t *message)
{
	const json_t *args = json_object_get(message, "args");
	const char *command = wire_string(message, "command");
	json_t *result = NULL;
	struct sn_err err;

	for (size_t i = 0; command && i < sn_countof(requests); i++) {
		if (strcmp(requests[i].command, command) != 0)
			continue;
		if (!k->session)
			sn_fail(&err, "%s: the application is gone", k->app.name);
		else if (requests[i].serve(k, args, &result, &err) == 0)
			return wire_done(result);
		return wire_failed(&err);
	}
	sn_fail(&err, "%s: its keeper knows no \"%s\"", k->app.name, command ? command : "");
	return wire_failed(&err);
}
