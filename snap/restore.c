// SPDX-License-Identifier: Apache-2.0
/*
 * go back, for an application that is gone: the same way, from a process made to be filled.
 */
#include "core/base/guard.h"
#include "core/task/proc.h"
#include "snap/converge.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The code that maps the window in the new process is ours, for it is a copy of us. */
static int blank_hints(struct collect_hints *hints, struct sn_err *err)
{
	sn_auto(proc_maps_release) struct proc_maps maps = {0};

	*hints = (struct collect_hints){0};
	if (proc_maps(getpid(), &maps, err) < 0 || smaps_read(getpid(), &hints->smaps, err) < 0)
		return -1;
	return remote_find_gadgets(getpid(), &maps, &hints->gadgets, err);
}

static void end_blank(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int fill_blank(struct session *session, struct goal *goal,
		      const struct collect_hints *hints, const struct restore_options *options,
		      struct restore_result *result, struct sn_err *err)
{
	struct converge_options how = {.blank = true, .tty = options->tty};
	sn_auto(frozen_release) struct frozen frozen = {0};
	bool touched;

	if (freeze(&frozen, session, hints, goal->image, err) < 0)
		return -1;
	if (converge(session, &frozen, goal, &how, &result->notes, &result->filled_pages, &touched,
		     err) < 0) {
		kill(result->pid, SIGKILL);
		return -1;
	}
	thaw(&frozen);
	return 0;
}

int snap_restore(struct session *session, int64_t id, const struct restore_options *options,
		 struct restore_result *result, struct sn_err *err)
{
	sn_auto(collect_hints_release) struct collect_hints hints = {0};
	sn_auto(goal_release) struct goal goal = {0};
	uint64_t begun = session_now_ns();

	*result = (struct restore_result){.from = id};
	if (goal_load(&goal, session, id, err) < 0 || plan_refuse(goal.image, err) < 0 ||
	    blank_hints(&hints, err) < 0)
		return sn_ctx(err, "restore %s@%ld", session->app.name, id);
	result->pid = (pid_t)goal.image->tasks[0]->pid;
	if (blank_make(result->pid, err) < 0)
		return sn_ctx(err, "restore %s@%ld", session->app.name, id);
	if (session_set_pid(session, result->pid, err) < 0 ||
	    tracker_open(&session->tracker, NULL, &session->caps, err) < 0 ||
	    fill_blank(session, &goal, &hints, options, result, err) < 0) {
		struct sn_err ignored;

		end_blank(result->pid);
		session_set_pid(session, 0, &ignored);
		return sn_ctx(err, "restore %s@%ld", session->app.name, id);
	}
	converge_stop_state(session, NULL, goal.image);
	result->wall_ns = session_now_ns() - begun;
	return session_save(session, err);
}
