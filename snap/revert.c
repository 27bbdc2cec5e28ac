// SPDX-License-Identifier: Apache-2.0
/*
 * go back, for an application that lives: its state is made a snapshot, what differs is
 * read, and only then does it stand still.
 */
#include "core/base/guard.h"
#include "snap/converge.h"
#include "snap/take.h"

#include <signal.h>
#include <sys/syscall.h>

/*
 * A change that failed half-way is taken back by converging once more, to the state before
 * it. When that fails too nothing runs on in between: the process is ended.
 */
static int put_back(struct session *session, struct frozen *half, int64_t undo,
		    const struct collect_hints *hints, struct sn_err *err)
{
	static const struct converge_options options = {0};
	sn_auto(goal_release) struct goal goal = {0};
	sn_auto(frozen_release) struct frozen frozen = {0};
	struct snap_notes ignored = {0};
	struct sn_err second;
	uint64_t written;
	bool touched;
	int result = -1;

	session->base_id = 0; /* nothing is known of its pages any more */
	tracker_lost(session->tracker);
	/* the registers of a half-built task are nobody's: it must not run in between */
	remote_close(half->remote);
	half->remote = NULL;
	frozen.task = half->task;
	half->task = (struct task){0};
	if (goal_load(&goal, session, undo, &second) == 0 &&
	    collect(&frozen.task, hints, &session->caps, goal.image, &frozen.remote, &frozen.image,
		    &frozen.hole, &second) == 0 &&
	    converge(session, &frozen, &goal, &options, &ignored, &written, &touched, &second) == 0)
		result = 0;
	snap_notes_release(&ignored);
	if (result == 0)
		return sn_ctx(err, "nothing was changed (the state before was put back)");
	syscall(SYS_pidfd_send_signal, session->pidfd, SIGKILL, NULL, 0);
	return sn_ctx(err, "the application could not be put back (%.100s) and was ended: "
		      "`snapsh restore %s@%ld` brings it back", second.text, session->app.name,
		      undo);
}

static int revert_frozen(struct session *session, struct goal *goal, int64_t undo,
			 const struct collect_hints *hints, struct revert_result *result,
			 struct sn_err *err)
{
	static const struct converge_options options = {0};
	sn_auto(frozen_release) struct frozen frozen = {0};
	bool touched;

	if (freeze(&frozen, session, hints, goal->image, err) < 0)
		return session_failed(session, err);
	if (converge(session, &frozen, goal, &options, &result->notes, &result->written_pages,
		     &touched, err) < 0) {
		if (touched)
			return put_back(session, &frozen, undo, hints, err);
		frozen_release(&frozen);
		return session_failed(session, err);
	}
	result->stop_ns = thaw(&frozen);
	converge_stop_state(session, frozen.image, goal->image);
	return 0;
}

int snap_revert(struct session *session, int64_t id, struct revert_result *result,
		struct sn_err *err)
{
	static const struct take_options before = {.taker = TAKEN_BY_REVERT};
	sn_auto(collect_hints_release) struct collect_hints hints = {0};
	sn_auto(goal_release) struct goal goal = {0};
	struct catalog_snapshot undo;

	*result = (struct revert_result){.mode = "in-place", .to = id};
	if (session_alive(session, err) < 0 || session_attend(session, err) < 0)
		return -1;
	if (goal_load(&goal, session, id, err) < 0)
		return sn_ctx(err, "revert %s to %ld", session->app.name, id);
	if (goal.image->tasks[0]->pid != (uint32_t)session->app.pid)
		return sn_fail(err, "revert %s to %ld: that was process %u, this is %d: kill it "
			       "and restore instead", session->app.name, id,
			       goal.image->tasks[0]->pid, session->app.pid);
	if (collect_prepare(&hints, session->app.pid, &session->flags, err) < 0 ||
	    take(session, &before, &hints, session_now_ns(), &undo, err) < 0 ||
	    goal_prefetch(&goal, session, err) < 0) {
		session_failed(session, err);
		return sn_ctx(err, "revert %s to %ld", session->app.name, id);
	}
	if (revert_frozen(session, &goal, undo.id, &hints, result, err) < 0)
		return sn_ctx(err, "revert %s to %ld", session->app.name, id);
	result->undo = session->app.undo = undo.id;
	return session_save(session, err);
}

int snap_undo(struct session *session, struct revert_result *result, struct sn_err *err)
{
	if (!session->app.undo)
		return sn_fail(err, "undo %s: nothing has been reverted", session->app.name);
	return snap_revert(session, session->app.undo, result, err);
}
