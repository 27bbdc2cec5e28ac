// SPDX-License-Identifier: Apache-2.0
#include "core/task/window.h"

#include "core/task/bootstrap.h"
#include "parasite/blob.h"
#include "parasite/wire.h"

/* The window of a controller that died, 0: none. */
static uint64_t stale_window(const struct task *task, const struct proc_maps *maps)
{
	struct sn_err ignored;
	uint64_t magic;
	size_t i;

	for (i = 0; i < maps->len; i++) {
		const struct proc_map *map = &maps->maps[i];

		if (map->end - map->start == WINDOW_BYTES && map->prot == BOOTSTRAP_PROT &&
		    !map->path[0] &&
		    task_peek(task, map->start, &magic, sizeof(magic), &ignored) == 0 &&
		    (magic == WINDOW_MAGIC || magic == 0)) /* it died before it wrote one */
			return map->start;
	}
	return 0;
}

/*
 * Whether a thread is on its way home from a controller that died: inside the window, or in
 * the code that unmaps it and enters the frame on its stack (bootstrap.c).
 */
static bool on_way_home(const struct task *task, const struct remote_gadgets *g, uint64_t window,
			const struct task_thread *thread)
{
	enum { RET_BYTES = 3, RESTORER_BYTES = 9 };
	uint64_t rip = thread->home.rip, rsp = thread->home.rsp, frame = 0;
	struct sn_err ignored;

	if (rip - window < WINDOW_BYTES)
		return true;
	if (!g->restorer ||
	    (rip - g->syscall_ret >= RET_BYTES && rip - g->restorer > RESTORER_BYTES))
		return false;
	if (rip - g->restorer <= RESTORER_BYTES)
		rsp -= sizeof(frame);
	return task_peek(task, rsp, &frame, sizeof(frame), &ignored) == 0 &&
	       frame == g->restorer;
}

/* Lets such threads get there before the window is ours. */
static int clear_window(struct task *task, const struct remote_gadgets *gadgets, uint64_t window,
			struct sn_err *err)
{
	enum { MOMENTS = 1000 };
	size_t i;
	int moment;

	for (i = 0; i < task->thread_count; i++) {
		struct task_thread *thread = &task->threads[i];

		for (moment = 0; on_way_home(task, gadgets, window, thread); moment++) {
			if (moment == MOMENTS)
				return sn_fail(err, "thread %d does not leave the window",
					       thread->tid);
			if (task_run_on(task, thread, moment, err) < 0)
				return -1;
		}
	}
	return 0;
}

int window_open(struct task *task, const struct proc_maps *maps,
		const struct remote_gadgets *gadgets, uint64_t hole, uint64_t *window,
		struct sn_err *err)
{
	static const uint64_t magic = WINDOW_MAGIC;
	uint64_t was;

	*window = stale_window(task, maps);
	if (*window && clear_window(task, gadgets, *window, err) < 0)
		return -1;
	/* one of them may have unmapped it on its way */
	if (!*window || task_peek(task, *window, &was, sizeof(was), err) < 0) {
		if (bootstrap_map(task, gadgets, hole, WINDOW_BYTES, err) < 0)
			return -1;
		*window = hole;
	}
	if (task_poke(task, *window, &magic, sizeof(magic), err) < 0)
		return -1;
	return task_poke(task, *window + WINDOW_CODE, parasite_blob, sizeof(parasite_blob), err);
}
