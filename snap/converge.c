// SPDX-License-Identifier: Apache-2.0
#include "snap/converge.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/object_number.h"
#include "snap/fill.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PREFETCH_MAX_BYTES = 256 << 20 };

int goal_load(struct goal *goal, struct session *session, int64_t id, struct sn_err *err)
{
	*goal = (struct goal){.id = id};
	goal->hold = catalog_hold(session->cat, err);
	goal->held = goal->hold >= 0;
	if (!goal->held ||
	    snap_image_load(session->cat, session->app.id, id, &goal->image, err) < 0 ||
	    catalog_map_load(session->cat, session->app.id, id, &goal->map, err) < 0) {
		goal_release(goal);
		return -1;
	}
	if (goal->image->n_tasks == 1)
		return 0;
	goal_release(goal);
	return sn_fail(err, "snapshot %ld has more than one process, which is not handled", id);
}

/* Reads all of `differ` that is stored, in one go, to the start of `pages`. */
static int read_stored(struct session *session, const struct pagemap *differ,
		       struct page_buffer *pages, uint64_t *count, struct sn_err *err)
{
	sn_auto_free struct page_run *stored = sn_malloc((differ->len + 1) * sizeof(*stored));
	size_t n = 0, i;

	*count = 0;
	for (i = 0; i < differ->len; i++) {
		if (differ->runs[i].loc == PAGE_LOC_ZERO)
			continue;
		stored[n++] = differ->runs[i];
		*count += differ->runs[i].count;
	}
	return catalog_runs_read(session->cat, stored, n, pages->bytes, err);
}

int goal_prefetch(struct goal *goal, struct session *session, struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap differ = {0};
	uint64_t pages, stored_at = 0, zeros_at;
	size_t i;

	pagemap_changed(&differ, &goal->map, &session->base);
	pages = pagemap_pages(&differ);
	if (pages * PAGE_BYTES > PREFETCH_MAX_BYTES)
		return 0; /* they are read when they are written */
	if (page_buffer_reserve(&goal->pages, pages * PAGE_BYTES, 0, err) < 0 ||
	    read_stored(session, &differ, &goal->pages, &zeros_at, err) < 0)
		return -1;
	/* pages of zeros come behind those that are stored */
	if (pages > zeros_at) /* without any there is no buffer */
		memset(goal->pages.bytes + zeros_at * PAGE_BYTES, 0,
		       (pages - zeros_at) * PAGE_BYTES);
	for (i = 0; i < differ.len; i++) {
		const struct page_run *run = &differ.runs[i];
		uint64_t *at = run->loc == PAGE_LOC_ZERO ? &zeros_at : &stored_at;

		pagemap_append(&goal->ready, run->key, run->count, *at);
		*at += run->count;
	}
	return 0;
}

void goal_release(struct goal *goal)
{
	if (goal->image)
		sn__image__free_unpacked(goal->image, NULL);
	pagemap_release(&goal->map);
	demands_release(&goal->demanded);
	demands_release(&goal->order);
	pagemap_release(&goal->ready);
	page_buffer_release(&goal->pages);
	if (goal->held)
		close(goal->hold);
	*goal = (struct goal){0};
}

static void add_note(void *arg, const char *line)
{
	struct snap_notes *notes = arg;

	notes->lines = sn_realloc(notes->lines, notes->count + 1, sizeof(*notes->lines));
	notes->lines[notes->count++] = sn_strdup(line);
}

void snap_notes_release(struct snap_notes *notes)
{
	size_t i;

	for (i = 0; i < notes->count; i++)
		free(notes->lines[i]);
	free(notes->lines);
	*notes = (struct snap_notes){0};
}

int converge(struct session *session, struct frozen *frozen, struct goal *goal,
	     const struct converge_options *options, struct snap_notes *notes,
	     uint64_t *written_pages, bool *touched, struct sn_err *err)
{
	struct fill fill = {.session = session, .frozen = frozen, .goal = goal,
			    .lazy = options->lazy};
	struct plan plan = {0};
	struct applying applying = {
		.task = &frozen->task,
		.remote = frozen->remote,
		.caps = &session->caps,
		.have = frozen->image,
		.want = goal->image,
		.hole = frozen->hole,
		.tty = options->tty,
		.blank = options->blank,
		.note = add_note,
		.note_arg = notes,
	};
	int result = -1;

	*touched = false;
	if (plan_make(&plan, frozen->image, goal->image, options->blank, err) < 0)
		return -1;
	if (plan_permitted(&plan, &session->caps, err) < 0) {
		plan_release(&plan);
		return -1;
	}
	/* half changed it must not run on: should we die now, it dies with us */
	if (task_kill_on_exit(&frozen->task, err) == 0) {
		*touched = true;
		result = plan_apply(&plan, &applying, fill_pages, &fill, err);
	}
	applying_release(&applying);
	plan_release(&plan);
	if (result < 0)
		return -1;
	*written_pages = fill.written_pages;
	pagemap_copy(&session->base, &goal->map);
	session->numbers = objects_numbers(session->numbers, goal->image);
	session->base_id = session->app.current = goal->id;
	return 0;
}

void converge_stop_state(const struct session *session, const Sn__Image *was,
			 const Sn__Image *goal)
{
	uint32_t before = was ? was->tasks[0]->stop_signal : 0;
	uint32_t after = goal->tasks[0]->stop_signal;

	if (after && !before)
		syscall(SYS_pidfd_send_signal, session->pidfd, (int)after, NULL, 0);
	if (!after && before)
		syscall(SYS_pidfd_send_signal, session->pidfd, SIGCONT, NULL, 0);
}
