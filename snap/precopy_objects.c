// SPDX-License-Identifier: Apache-2.0
#include "snap/precopy_objects.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/object_pages.h"
#include "core/track/shared.h"

enum { MUCH_PAGES = 4096 }; /* takes several times as long to read as a freeze by itself */

void objects_ahead_release(struct objects_ahead *ahead)
{
	size_t i;

	for (i = 0; i < ahead->count; i++) {
		sn_guard_fd(&ahead->objects[i].fd);
		pagemap_release(&ahead->objects[i].changed);
	}
	free(ahead->objects);
	*ahead = (struct objects_ahead){0};
}

/* What changed between the last two snapshots is the best guess; at first it is all. */
bool objects_are_worth_it(const struct session *session)
{
	uint64_t expected = session->last_object_pages;

	if (!session->last_copied_bytes)
		expected = tracker_object_pages(session->tracker, session->app.pid);
	return expected > MUCH_PAGES;
}

static int scan_one(struct session *session, struct frozen *frozen, const Sn__MemoryObject *object,
		    const struct object_access *access, struct object_ahead *one,
		    struct copies *copies, struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap present = {0};
	sn_auto(pagemap_release) struct pagemap kept = {0};
	struct tracked_object tracked = {.id = object->id, .fd = access->fd, .present = &present,
					 .base = &session->base};

	if (object_pages_find(frozen->remote, access, object, &present, err) < 0 ||
	    tracker_scan_object(session->tracker, frozen->image->tasks[0], &tracked, &kept,
				err) < 0)
		return -1;
	if (!tracker_has_object(session->tracker, access->fd))
		return 0;
	pagemap_subtract(&one->changed, &present, &kept);
	pagemap_extend(&copies->kept, &kept);
	return 0;
}

int objects_scan(struct session *session, struct frozen *frozen, struct objects_ahead *ahead,
		 struct copies *copies, struct sn_err *err)
{
	const Sn__Image *image = frozen->image;
	size_t i;

	ahead->objects = sn_calloc(image->n_objects + 1, sizeof(*ahead->objects));
	for (i = 0; i < image->n_objects; i++) {
		struct object_ahead *one = &ahead->objects[ahead->count];
		struct object_access access;

		if (!object_is_memory(image->objects[i]) ||
		    object_reach(&frozen->task, image, image->objects[i], &access, err) < 0)
			continue; /* the last freeze will say why */
		one->fd = access.fd;
		if (access.fd < 0)
			continue;
		ahead->count++;
		if (scan_one(session, frozen, image->objects[i], &access, one, copies, err) < 0)
			return sn_ctx(err, "memory object %s", image->objects[i]->name);
	}
	copies->scanned_objects = true;
	return 0;
}

static void read_run(struct session *session, const struct object_ahead *one,
		     const struct page_run *run, struct copies *copies)
{
	struct object_access access = {.fd = one->fd};
	struct sn_err ignored;

	if ((copies->used + run->count) * PAGE_BYTES > session->buffer.cap ||
	    object_pages_read(NULL, &access, page_key_addr(run->key),
			      session->buffer.bytes + copies->used * PAGE_BYTES, run->count,
			      &ignored) < 0)
		return;
	pagemap_append(&copies->objects, run->key, run->count, copies->used + 1);
	copies->used += run->count;
}

void objects_read(struct session *session, const struct objects_ahead *ahead,
		  struct copies *copies)
{
	size_t i, k;

	for (i = 0; i < ahead->count; i++)
		for (k = 0; k < ahead->objects[i].changed.len; k++)
			read_run(session, &ahead->objects[i], &ahead->objects[i].changed.runs[k],
				 copies);
	if (session->buffer.warm < copies->used * PAGE_BYTES)
		session->buffer.warm = copies->used * PAGE_BYTES;
}
