// SPDX-License-Identifier: Apache-2.0
/*
 * take: copy ahead -> freeze -> collect -> find dirty pages -> copy out -> thaw -> store -> index
 */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/object_pages.h"
#include "core/task/proc.h"
#include "core/track/shared.h"
#include "snap/freeze.h"
#include "snap/store.h"
#include "snap/take.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { SLACK_BYTES = 64 << 20, WARM_BYTES = 4 << 20 };

static bool will_precopy(const struct session *session, const struct take_options *options)
{
	return !options->no_precopy && tracker_tells_running(session->tracker);
}

/* The buffer's first touch costs more than the copy it is for. */
int take_reserve_buffer(struct session *session, const struct take_options *options,
			  struct sn_err *err)
{
	sn_auto_free char *statm = proc_read(session->app.pid, "statm", NULL, err);
	size_t resident_bytes, warm = 0;

	if (!statm)
		return -1;
	resident_bytes = strtoul(strchrnul(statm, ' '), NULL, 10) * PAGE_BYTES;
	/* 0: the tracker knows nothing yet, so all will be copied */
	if (!will_precopy(session, options))
		warm = session->last_copied_bytes ? session->last_copied_bytes * 2 + WARM_BYTES
						  : resident_bytes;
	return page_buffer_reserve(&session->buffer,
				   resident_bytes + resident_bytes / 2 + SLACK_BYTES, warm, err);
}

/* Copies what can be copied ahead, and makes room for what will be left. */
static int copy_ahead(struct session *session, const struct take_options *options,
		      const struct collect_hints *hints, struct copies *copies,
		      struct sn_err *err)
{
	bool ahead = will_precopy(session, options);

	if (ahead && precopy(session, hints, copies, err) < 0)
		return -1;
	pagemap_overlay(&copies->known, &session->base, &copies->at);
	pagemap_add(&copies->kept, &copies->objects);
	if (!ahead)
		return 0;
	return page_buffer_reserve(&session->buffer, 0,
				   (copies->used + 2 * copies->last) * PAGE_BYTES + WARM_BYTES,
				   err);
}

/* What one snapshot took is not kept for ever when the next need far less. */
void take_trim_buffer(struct session *session)
{
	page_buffer_trim(&session->buffer, 2 * session->last_copied_bytes + SLACK_BYTES);
}

int take_choose_tracker(struct session *session, const char *name, struct sn_err *err)
{
	if (session->tracker && (!name || strcmp(name, "auto") == 0 ||
				 strcmp(name, tracker_name(session->tracker)) == 0))
		return 0;
	tracker_close(session->tracker);
	session->tracker = NULL;
	session->last_copied_bytes = 0;
	return tracker_open(&session->tracker, name, &session->caps, err);
}

/* Makes the buffer larger without losing what is in it. */
static int grow_buffer(struct session *session, size_t used_bytes, size_t more_bytes,
		       struct sn_err *err)
{
	struct page_buffer bigger = {0};

	if (used_bytes + more_bytes <= session->buffer.cap)
		return 0;
	if (page_buffer_reserve(&bigger, used_bytes + more_bytes, 0, err) < 0)
		return -1;
	memcpy(bigger.bytes, session->buffer.bytes, used_bytes);
	page_buffer_release(&session->buffer);
	session->buffer = bigger;
	return 0;
}

int take_copy_frozen(struct session *session, const struct task *task, struct copies *copies,
		       struct pagemap *left, struct sn_err *err)
{
	size_t pages = pagemap_pages(left), i;

	if (grow_buffer(session, copies->used * PAGE_BYTES, pages * PAGE_BYTES, err) < 0 ||
	    mem_read(task, left, session->buffer.bytes + copies->used * PAGE_BYTES, err) < 0)
		return -1;
	for (i = 0; i < left->len; i++) {
		left->runs[i].loc = copies->used + 1;
		copies->used += left->runs[i].count;
	}
	return 0;
}

/* What changed since the base is what was copied and is still there. */
static void settle_copies(struct take *take, const struct pagemap *left)
{
	struct copies *copies = &take->copies;
	sn_auto(pagemap_release) struct pagemap all = {0};
	struct pagemap dirty = {0};

	pagemap_overlay(&all, &copies->at, left);
	pagemap_intersect(&dirty, &all, &take->tracked.present);
	pagemap_release(&copies->at);
	copies->at = dirty;
	pagemap_copy(&take->tracked.dirty, &dirty);
}

/* What is left to be read: what changed since it was copied, what could not be, what is new. */
static int copy_private(struct session *session, struct frozen *frozen, struct take *take,
			struct pagemap *left, struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap owed = {0};
	struct tracked *tracked = &take->tracked;
	struct copies *copies = &take->copies;

	if (tracker_scan(session->tracker, frozen->remote, take->image->tasks[0], tracked, err) < 0)
		return -1;
	tracked_add_missing(tracked, &copies->known);
	pagemap_intersect(&owed, &copies->owed, &tracked->present);
	pagemap_overlay(left, &tracked->dirty, &owed);
	return take_copy_frozen(session, &frozen->task, copies, left, err);
}

/* Of an object's pages those to be copied. What is as it was copied ahead is added to *copied, what
 * is as the base has it to take->kept. */
static int find_changed(struct session *session, struct frozen *frozen, struct take *take,
			const Sn__MemoryObject *object, const struct object_access *access,
			struct pagemap *changed, struct pagemap *copied, struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap present = {0};
	sn_auto(pagemap_release) struct pagemap clean = {0};
	sn_auto(pagemap_release) struct pagemap kept = {0};
	const struct copies *copies = &take->copies;
	struct tracked_object tracked = {.id = object->id, .fd = access->fd, .present = &present,
					 .base = copies->scanned_objects ? &copies->kept
									 : &session->base};

	if (object_pages_find(frozen->remote, access, object, &present, err) < 0)
		return -1;
	if (!take->look && access->fd >= 0 && object_is_memory(object) &&
	    tracker_scan_object(session->tracker, take->image->tasks[0], &tracked, &clean, err) < 0)
		return -1;
	pagemap_subtract(changed, &present, &clean);
	pagemap_intersect(copied, &copies->objects, &clean);
	pagemap_subtract(&kept, &clean, copied);
	pagemap_extend(&take->kept, &kept);
	return 0;
}

static int copy_object(struct session *session, struct frozen *frozen, struct take *take,
		       const Sn__MemoryObject *object, struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap changed = {0};
	sn_auto(pagemap_release) struct pagemap copied = {0};
	struct object_access access;
	int result = -1;
	size_t i;

	if (object_reach(&frozen->task, take->image, object, &access, err) < 0)
		return -1;
	if (find_changed(session, frozen, take, object, &access, &changed, &copied, err) < 0)
		goto out;
	for (i = 0; i < changed.len; i++) {
		struct page_run *run = &changed.runs[i];
		size_t at = take->copies.used * PAGE_BYTES, bytes = run->count * PAGE_BYTES;

		if (grow_buffer(session, at, bytes, err) < 0 ||
		    object_pages_read(&frozen->task, &access, page_key_addr(run->key),
				      session->buffer.bytes + at, run->count, err) < 0)
			goto out;
		run->loc = take->copies.used + 1;
		take->copies.used += run->count;
	}
	pagemap_add(&changed, &copied);
	pagemap_extend(&take->objects, &changed);
	result = 0;
out:
	sn_guard_fd(&access.fd);
	return result;
}

int take_copy_objects(struct session *session, struct frozen *frozen, struct take *take,
			struct sn_err *err)
{
	size_t i;

	for (i = 0; i < take->image->n_objects; i++)
		if (copy_object(session, frozen, take, take->image->objects[i], err) < 0)
			return sn_ctx(err, "memory object %s", take->image->objects[i]->name);
	return 0;
}

/* The frozen part. */
static int take_frozen(struct session *session, const struct collect_hints *hints,
		       struct take *take, uint64_t *stop_ns, struct sn_err *err)
{
	sn_auto(frozen_release) struct frozen frozen = {0};
	sn_auto(pagemap_release) struct pagemap left = {0};

	if (freeze(&frozen, session, hints, NULL, err) < 0)
		return -1;
	take->image = sn_steal_ptr(&frozen.image);
	if (copy_private(session, &frozen, take, &left, err) < 0 ||
	    take_copy_objects(session, &frozen, take, err) < 0)
		return -1;
	*stop_ns = thaw(&frozen);
	settle_copies(take, &left);
	return 0;
}

void take_identify_files(Sn__Image *image)
{
	Sn__Task *task = image->tasks[0];
	size_t i;

	for (i = 0; i < task->n_mappings; i++) {
		Sn__Mapping *m = task->mappings[i];
		struct stat st;

		if (m->type != SN__MAPPING_TYPE__MAPPING_FILE || stat(m->path, &st) < 0)
			continue;
		m->file->size_bytes = (uint64_t)st.st_size;
		m->file->mtime_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000 +
				    (uint64_t)st.st_mtim.tv_nsec;
	}
}

static void describe(struct session *session, const struct take_options *options,
		     const struct take *take, struct catalog_snapshot *snap)
{
	snap->app_id = session->app.id;
	snap->parent = session->app.current;
	snap->taker = options->taker;
	snprintf(snap->message, sizeof(snap->message), "%s",
		 options->message ? options->message : "");
	snprintf(snap->tag, sizeof(snap->tag), "%s", options->tag ? options->tag : "");
	snprintf(snap->tracker, sizeof(snap->tracker), "%s", tracker_name(session->tracker));
	snap->tasks = (uint32_t)take->image->n_tasks;
	snap->threads = (uint32_t)take->image->tasks[0]->n_threads;
	snap->resident_pages = pagemap_pages(&take->tracked.present) +
			       pagemap_pages(&take->objects) + pagemap_pages(&take->kept);
	snap->dirty_pages = pagemap_pages(&take->copies.at) + pagemap_pages(&take->objects);
	snap->copied_bytes = take->copies.used * PAGE_BYTES;
}

static void then(const struct session *session, const struct take_options *options)
{
	if (options->then == TAKE_THEN_STOP)
		syscall(SYS_pidfd_send_signal, session->pidfd, SIGSTOP, NULL, 0);
	if (options->then == TAKE_THEN_KILL)
		syscall(SYS_pidfd_send_signal, session->pidfd, SIGKILL, NULL, 0);
}

/* What was taken of a process that has ended since is worth as much as any other. */
static bool has_ended(const struct session *session)
{
	struct sn_err ignored;

	return session_alive(session, &ignored) < 0;
}

static int take_and_store(struct session *session, const struct take_options *options,
			  const struct collect_hints *hints, uint64_t begun, struct take *got,
			  struct catalog_snapshot *taken, struct sn_err *err)
{
	if (copy_ahead(session, options, hints, &got->copies, err) < 0)
		return -1;
	tracker_look_for_users(session->tracker, session->app.pid);
	if (take_frozen(session, hints, got, &taken->stop_ns, err) < 0 ||
	    (collect_refuse_children(session->app.pid, err) < 0 && !has_ended(session)))
		return -1;
	take_identify_files(got->image);
	describe(session, options, got, taken);
	taken->stop_ns += got->copies.stop_ns;
	taken->wall_ns = session_now_ns() - begun;
	return store_take(session, got, taken, err) < 0 ? sn_ctx(err, "store") : 0;
}

int take(struct session *session, const struct take_options *options,
	 const struct collect_hints *hints, uint64_t begun, struct catalog_snapshot *taken,
	 struct sn_err *err)
{
	sn_auto(take_release) struct take got = {0};

	*taken = (struct catalog_snapshot){0};
	if (options->tag &&
	    catalog_tag_check(session->cat, session->app.id, 0, options->tag, err) < 0)
		return -1;
	if (session_load_base(session, err) < 0 ||
	    take_choose_tracker(session, options->tracker, err) < 0 ||
	    take_reserve_buffer(session, options, err) < 0)
		return -1;
	if (take_and_store(session, options, hints, begun, &got, taken, err) < 0) {
		tracker_lost(session->tracker); /* what the scans found is not kept */
		session->last_copied_bytes = 0;
		return -1;
	}
	session->last_copied_bytes = got.copies.used * PAGE_BYTES;
	/* what could not be copied ahead is not tried again the next time */
	session->last_object_pages = got.copies.tried_objects && !got.copies.objects.len
					     ? 0
					     : pagemap_pages(&got.objects);
	take_trim_buffer(session);
	then(session, options);
	return 0;
}

int snap_take(struct session *session, const struct take_options *options,
	      struct catalog_snapshot *taken, struct sn_err *err)
{
	sn_auto(collect_hints_release) struct collect_hints hints = {0};
	uint64_t begun = session_now_ns();

	if (session_alive(session, err) < 0 || session_attend(session, err) < 0)
		return -1;
	if (collect_prepare(&hints, session->app.pid, &session->flags, err) < 0 ||
	    take(session, options, &hints, begun, taken, err) < 0) {
		session_failed(session, err);
		return sn_ctx(err, "snap %s", session->app.name);
	}
	return 0;
}
