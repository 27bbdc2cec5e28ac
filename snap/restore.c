// SPDX-License-Identifier: Apache-2.0
/*
 * go back, for an application that is gone: the same way, from a process made to be filled.
 */
#include "core/base/guard.h"
#include "core/task/proc.h"
#include "core/track/missing.h"
#include "snap/converge.h"
#include "snap/lazy.h"
#include "snap/order.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of a process of which nothing is refused any more. */
static int hints_of(struct collect_hints *hints, pid_t pid, struct sn_err *err)
{
	sn_auto(proc_maps_release) struct proc_maps maps = {0};

	*hints = (struct collect_hints){0};
	if (proc_maps(pid, &maps, err) < 0 || smaps_read(NULL, pid, &hints->smaps, err) < 0)
		return -1;
	return remote_find_gadgets(pid, &maps, &hints->gadgets, err);
}

static void end_blank(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int set_death_signal(struct frozen *frozen, uint32_t signal, struct sn_err *err)
{
	remote_begin(frozen->remote);
	remote_call(frozen->remote, "set the parent-death signal", SYS_prctl, PR_SET_PDEATHSIG,
		    signal);
	return remote_run(frozen->remote, frozen->task.pid, err);
}

static int fill_blank(struct session *session, struct goal *goal,
		      const struct collect_hints *hints, const struct restore_options *options,
		      struct restore_result *result, struct sn_err *err)
{
	struct converge_options how = {.blank = true, .lazy = options->lazy, .tty = options->tty};
	sn_auto(frozen_release) struct frozen frozen = {0};
	bool touched;

	if (freeze(&frozen, session, hints, goal->image, err) < 0)
		return -1;
	if (converge(session, &frozen, goal, &how, &result->notes, &result->filled_pages, &touched,
		     err) < 0 ||
	    /* while memory of it is missing that only we have it must not outlive us */
	    (options->lazy && set_death_signal(&frozen, SIGKILL, err) < 0) ||
	    session_save(session, err) < 0) {
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
	int64_t was = session->app.current;
	uint64_t begun = session_now_ns();

	*result = (struct restore_result){.from = id};
	if (goal_load(&goal, session, id, err) < 0 || plan_refuse(goal.image, err) < 0 ||
	    /* the code that maps the window in the new process is ours, for it is a copy of us */
	    hints_of(&hints, getpid(), err) < 0)
		return sn_ctx(err, "restore %s@%ld", session->app.name, id);
	if (options->lazy)
		order_find(&goal, session);
	result->demanded_pages = goal.demanded.pages;
	result->pid = (pid_t)goal.image->tasks[0]->pid;
	if (blank_make(result->pid, err) < 0)
		return sn_ctx(err, "restore %s@%ld", session->app.name, id);
	if (session_set_pid(session, result->pid, err) < 0 ||
	    /* whatever else the kernel has: only this one fills memory on demand */
	    tracker_open(&session->tracker, options->lazy ? "uffd" : NULL, &session->caps,
			 err) < 0 ||
	    fill_blank(session, &goal, &hints, options, result, err) < 0) {
		struct sn_err ignored, why;

		end_blank(result->pid);
		/* that its memory cannot be read may have ended it under our hands */
		if (session->lazy && lazy_wait(session->lazy, &why) < 0)
			*err = why;
		session->app.current = was;
		lazy_end(session->lazy);
		session->lazy = NULL;
		session_set_pid(session, 0, &ignored);
		return sn_ctx(err, "restore %s@%ld", session->app.name, id);
	}
	converge_stop_state(session, NULL, goal.image);
	session->death_signal = goal.image->tasks[0]->threads[0]->parent_death->signal;
	if (session->lazy)
		result->lazy_pages = pagemap_pages(&goal.map) - result->filled_pages;
	result->wall_ns = session_now_ns() - begun;
	return 0;
}

/* ---- what a lazy one leaves to be done ---- */

int session_attend_fd(const struct session *session)
{
	return session->lazy ? lazy_fd(session->lazy) : -1;
}

/* What was asked for meanwhile is for the next lazy restore: without it, it is slower. */
static void store_demands(struct session *session, const struct demands *demands)
{
	sn_auto(pagemap_release) struct pagemap places = {0};
	struct sn_err ignored;

	demands_places(demands, &places);
	catalog_demands_store(session->cat, session->app.id, session->base_id, &places, &ignored);
}

/* Nobody is to answer for missing pages any more. */
static int finish(struct session *session, struct sn_err *err)
{
	sn_auto(collect_hints_release) struct collect_hints hints = {0};
	sn_auto(frozen_release) struct frozen frozen = {0};
	const Sn__Task *model;

	if (hints_of(&hints, session->app.pid, err) < 0 ||
	    freeze(&frozen, session, &hints, NULL, err) < 0)
		return -1;
	lazy_end(session->lazy);
	session->lazy = NULL;
	model = frozen.image->tasks[0];
	if (tracker_miss_close(session->tracker, frozen.remote, model, err) < 0) {
		tracker_lost(session->tracker);
		return -1;
	}
	/* one that has set another in the meantime keeps it */
	if (model->threads[0]->parent_death->signal == SIGKILL)
		return set_death_signal(&frozen, session->death_signal, err);
	return 0;
}

int session_attend(struct session *session, struct sn_err *err)
{
	sn_auto(demands_release) struct demands demands = {0};
	int result;

	if (!session->lazy)
		return 0;
	result = lazy_wait(session->lazy, err);
	if (result == 0) {
		lazy_demands(session->lazy, &session->base, &demands);
		result = finish(session, err);
	}
	if (demands.pages)
		store_demands(session, &demands);
	return result < 0 ? sn_ctx(err, "finish the restore of %s", session->app.name) : 0;
}
