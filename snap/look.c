// SPDX-License-Identifier: Apache-2.0
#include "core/base/guard.h"
#include "proto/image.h"
#include "snap/take.h"

#include <sys/mman.h>
#include <unistd.h>

int snap_image_load(struct catalog *cat, int64_t app_id, int64_t id, Sn__Image **image,
		    struct sn_err *err)
{
	sn_auto_free uint8_t *bytes = NULL;
	size_t len;

	if (catalog_image_load(cat, app_id, id, &bytes, &len, err) < 0 ||
	    image_unpack(image, bytes, len, err) < 0)
		return sn_ctx(err, "snapshot %ld", id);
	return 0;
}

int snap_image_live(struct session *session, Sn__Image **image, struct sn_err *err)
{
	sn_auto(collect_hints_release) struct collect_hints hints = {0};
	sn_auto(frozen_release) struct frozen frozen = {0};

	if (session_alive(session, err) < 0 || session_attend(session, err) < 0)
		return -1;
	if (collect_prepare(&hints, session->app.pid, &session->flags, err) < 0 ||
	    freeze(&frozen, session, &hints, NULL, err) < 0) {
		session_failed(session, err);
		return sn_ctx(err, "look at %s", session->app.name);
	}
	*image = sn_steal_ptr(&frozen.image);
	return 0;
}

/* ---- with its memory ---- */

void snap_look_release(struct snap_look *look)
{
	if (look->image)
		sn__image__free_unpacked(look->image, NULL);
	sn_guard_fd(&look->fd);
	*look = (struct snap_look){.fd = -1};
}

/* What the tracker counts from, as long as the store has it. */
static int load_base(struct session *session, const struct pagemap **base, struct sn_err *err)
{
	static const struct pagemap nothing;
	struct catalog_snapshot row;
	int found = 0;

	if (session_load_base(session, err) < 0)
		return -1;
	if (session->base_id)
		found = catalog_snapshot_find(session->cat, session->app.id, session->base_id, &row,
					      err);
	*base = found == 1 ? &session->base : &nothing;
	/* that all is read would hide from the tracker that there was a fork */
	if (found == 0 && session->tracker)
		tracker_lost(session->tracker);
	return found < 0 ? -1 : 0;
}

/* Locations in the buffer, which count from 1, as those of a look. */
static void mark_fresh(struct pagemap *map)
{
	for (size_t i = 0; i < map->len; i++)
		map->runs[i].loc = (map->runs[i].loc - 1) | SNAP_LOC_FRESH;
}

/* What is as the base has it, what was read, and what of objects was. */
static void join(struct pagemap *map, const struct pagemap *base, struct take *take,
		 struct pagemap *left)
{
	sn_auto(pagemap_release) struct pagemap kept = {0};
	sn_auto(pagemap_release) struct pagemap private = {0};

	mark_fresh(left);
	mark_fresh(&take->objects);
	pagemap_intersect(&kept, base, &take->tracked.present);
	pagemap_overlay(&private, &kept, left);
	pagemap_overlay(map, &private, &take->objects);
}

static int look_frozen(struct session *session, const struct collect_hints *hints,
		       const struct pagemap *base, struct take *take, struct pagemap *map,
		       uint64_t *stop_ns, struct sn_err *err)
{
	sn_auto(frozen_release) struct frozen frozen = {0};
	sn_auto(pagemap_release) struct pagemap left = {0};

	if (freeze(&frozen, session, hints, NULL, err) < 0)
		return -1;
	take->image = sn_steal_ptr(&frozen.image);
	if (tracker_look(session->tracker, session->app.pid, take->image->tasks[0], &take->tracked,
			 err) < 0)
		return -1;
	tracked_add_missing(&take->tracked, base);
	pagemap_copy(&left, &take->tracked.dirty);
	if (take_copy_frozen(session, &frozen.task, &take->copies, &left, err) < 0 ||
	    take_copy_objects(session, &frozen, take, err) < 0)
		return -1;
	*stop_ns = thaw(&frozen);
	join(map, base, take, &left);
	return 0;
}

static int write_all(int fd, const void *bytes, size_t len, struct sn_err *err)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, (const char *)bytes + done, len - done);

		if (n < 0)
			return sn_fail_sys(err, "hand on its pages");
		done += (size_t)n;
	}
	return 0;
}

/* Fills `look` from what was read. */
static int hand_on(struct session *session, struct take *take, const struct pagemap *map,
		   struct snap_look *look, struct sn_err *err)
{
	look->pages = take->copies.used;
	look->runs = map->len;
	look->fd = memfd_create("snapsh-look", MFD_CLOEXEC);
	if (look->fd < 0)
		return sn_fail_sys(err, "memfd_create");
	if (write_all(look->fd, session->buffer.bytes, look->pages * PAGE_BYTES, err) < 0 ||
	    write_all(look->fd, map->runs, map->len * sizeof(*map->runs), err) < 0)
		return -1;
	take_identify_files(take->image);
	look->image = sn_steal_ptr(&take->image);
	return 0;
}

static int prepare(struct session *session, struct collect_hints *hints, struct sn_err *err)
{
	static const struct take_options options = {.no_precopy = true};

	if (take_choose_tracker(session, NULL, err) < 0 ||
	    take_reserve_buffer(session, &options, err) < 0)
		return -1;
	return collect_prepare(hints, session->app.pid, &session->flags, err);
}

int snap_look(struct session *session, struct snap_look *look, struct sn_err *err)
{
	sn_auto(collect_hints_release) struct collect_hints hints = {0};
	sn_auto(take_release) struct take take = {.look = true};
	sn_auto(pagemap_release) struct pagemap map = {0};
	const struct pagemap *base;

	*look = (struct snap_look){.fd = -1};
	if (session_alive(session, err) < 0 || session_attend(session, err) < 0 ||
	    load_base(session, &base, err) < 0)
		return -1;
	if (prepare(session, &hints, err) < 0 ||
	    look_frozen(session, &hints, base, &take, &map, &look->stop_ns, err) < 0 ||
	    hand_on(session, &take, &map, look, err) < 0) {
		snap_look_release(look);
		session_failed(session, err);
		return sn_ctx(err, "look at %s", session->app.name);
	}
	take_trim_buffer(session);
	return 0;
}
