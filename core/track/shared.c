// SPDX-License-Identifier: Apache-2.0
#include "core/track/shared.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/task/proc.h"
#include "core/track/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VIEWS_MAX = 256 }; /* one cut into more pieces is not worth the time while frozen */

/* A part of an object at an address. */
struct shared_view {
	uint64_t start, end, offset;
};

struct shared_object {
	uint64_t dev, ino;
	bool alone;  /* nobody else mapped it when that was looked at, and no fork since */
	bool known;  /* its last scan has protected it in all of its views, and marked it */
	uint32_t id; /* then */
	struct shared_view *views;
	size_t count;
	uint8_t *ours; /* our own mapping of it, NULL none; of this size */
	size_t ours_bytes;
};

static void release(struct shared_object *object)
{
	free(object->views);
	if (object->ours)
		munmap(object->ours, object->ours_bytes);
}

static struct shared_object *find(struct tracker *t, uint64_t dev, uint64_t ino)
{
	size_t i;

	for (i = 0; i < t->shared_count; i++)
		if (t->shared[i].dev == dev && t->shared[i].ino == ino)
			return &t->shared[i];
	return NULL;
}

static struct shared_object *find_or_add(struct tracker *t, uint64_t dev, uint64_t ino)
{
	struct shared_object *object = find(t, dev, ino);

	if (object)
		return object;
	t->shared = sn_realloc(t->shared, t->shared_count + 1, sizeof(*t->shared));
	object = &t->shared[t->shared_count++];
	*object = (struct shared_object){.dev = dev, .ino = ino};
	return object;
}

void shared_forget(struct tracker *t)
{
	size_t i;

	for (i = 0; i < t->shared_count; i++)
		release(&t->shared[i]);
	free(t->shared);
	t->shared = NULL;
	t->shared_count = 0;
}

void shared_lost(struct tracker *t)
{
	size_t i;

	for (i = 0; i < t->shared_count; i++)
		t->shared[i].known = false;
}

/* ---- forks and other users ---- */

static bool has_objects(const Sn__Task *model)
{
	size_t i;

	for (i = 0; i < model->n_mappings; i++)
		if (model->mappings[i]->type == SN__MAPPING_TYPE__MAPPING_OBJECT)
			return true;
	return false;
}

int shared_arm(struct tracker *t, struct remote *remote, const Sn__Task *model,
	       struct sn_err *err)
{
	if (t->ops->tracks_shared && !t->misses && t->caps->uffd_wp_hugetlbfs_shmem &&
	    t->caps->fork_seen && t->caps->shmem_times &&
	    t->remaps.uffd < 0 && has_objects(model) &&
	    remaps_begin(&t->remaps, remote, err) < 0)
		return -1;
	if (remaps_happened(&t->remaps))
		shared_lost(t);
	return 0;
}

void shared_look_for_forks(struct tracker *t, const Sn__Task *model, const struct pagemap *pages)
{
	size_t i;

	if (!t->caps->fork_seen || t->misses || !has_objects(model)) {
		t->forks.count = 0;
		t->forked = false;
	} else {
		/* the first time it is not a fork that makes it unknown */
		t->forked = t->forks.count > 0 && forks_happened(&t->forks, t->pid);
	}
	if (t->forked || t->forks.count == 0)
		for (i = 0; i < t->shared_count; i++)
			t->shared[i].alone = t->shared[i].known = false;
	if (t->caps->fork_seen && !t->misses && has_objects(model))
		forks_begin(&t->forks, t->pid, t->pagemap_fd, model, pages);
}

void tracker_watch_forks(struct tracker *t, const Sn__Task *model, const struct pagemap *pages)
{
	if (t->ops->tracks_shared && t->caps->fork_seen && !t->misses && has_objects(model))
		forks_begin(&t->forks, t->pid, t->pagemap_fd, model, pages);
}

static const char SHARED_PATH[] = "/dev/zero (deleted)";

/* Forgets objects that the process no longer maps, and takes note of new ones. */
static void list_objects(struct tracker *t, const struct proc_maps *maps)
{
	sn_auto_free bool *mapped = NULL;
	size_t i, left = 0;

	for (i = 0; i < maps->len; i++)
		if (maps->maps[i].shared && strcmp(maps->maps[i].path, SHARED_PATH) == 0)
			find_or_add(t, maps->maps[i].dev, maps->maps[i].ino);
	mapped = sn_calloc(t->shared_count, sizeof(*mapped));
	for (i = 0; i < maps->len; i++) {
		struct shared_object *object = find(t, maps->maps[i].dev, maps->maps[i].ino);

		if (object)
			mapped[object - t->shared] = true;
	}
	for (i = 0; i < t->shared_count; i++) {
		if (mapped[i])
			t->shared[left++] = t->shared[i];
		else
			release(&t->shared[i]);
	}
	t->shared_count = left;
}

bool tracker_can_look_for_users(const struct tracker *t, pid_t pid)
{
	return t->ops->tracks_shared && t->pid == pid && t->forks.count;
}

void tracker_look_for_users(struct tracker *t, pid_t pid)
{
	sn_auto(proc_maps_release) struct proc_maps maps = {0};
	sn_auto_free struct user_of *users = NULL;
	struct sn_err ignored;
	size_t i, count = 0;

	/* one that forks all the time is not looked at all the time */
	if (!tracker_can_look_for_users(t, pid) || t->forked || proc_maps(pid, &maps, &ignored) < 0)
		return;
	list_objects(t, &maps);
	users = sn_calloc(t->shared_count, sizeof(*users));
	for (i = 0; i < t->shared_count; i++)
		if (!t->shared[i].alone)
			users[count++] = (struct user_of){.dev = t->shared[i].dev,
							  .ino = t->shared[i].ino,
							  .ours = (uintptr_t)t->shared[i].ours};
	if (count == 0 || !forks_find_users(pid, users, count))
		return;
	for (i = 0; i < count; i++) {
		struct shared_object *object = find(t, users[i].dev, users[i].ino);

		object->alone = !users[i].used;
		object->known = false;
	}
}

/* ---- a scan ---- */

struct scanning {
	struct tracker *t;
	const struct tracked_object *object;
	const Sn__Mapping *view;
	struct pagemap listed;	  /* of the view: pages that its page table has an entry for */
	struct pagemap protected; /* of those, the ones that were not written */
	struct pagemap changed;	  /* of the object */
};

static void add_view(struct pagemap *map, uint32_t id, uint64_t offset, uint64_t len)
{
	if (len)
		pagemap_append(map, page_key(id, offset), len / PAGE_BYTES, PAGE_LOC_ZERO);
}

static int add(void *arg, const struct page_state *state, struct sn_err *err)
{
	struct scanning *s = arg;
	uint64_t offset = state->start - s->view->start + s->view->offset_bytes;

	(void)err;
	add_view(&s->listed, s->object->id, offset, state->end - state->start);
	if (!state->written)
		add_view(&s->protected, s->object->id, offset, state->end - state->start);
	return 0;
}

/* Pages of the object that the view has no entry for: a marker is put there. */
static void mark_absent(struct scanning *s, const struct pagemap *shown)
{
	sn_auto(pagemap_release) struct pagemap there = {0};
	sn_auto(pagemap_release) struct pagemap absent = {0};
	struct sn_err ignored;
	size_t i;

	pagemap_intersect(&there, s->object->present, shown);
	pagemap_subtract(&absent, &there, &s->listed);
	for (i = 0; i < absent.len; i++) {
		uint64_t addr =
			page_key_addr(absent.runs[i].key) - s->view->offset_bytes + s->view->start;

		/* without it the page is changed the next time */
		uffd_protect(s->t->remaps.uffd, addr, absent.runs[i].count * PAGE_BYTES, &ignored);
	}
}

/* 1; 0 when the view cannot be tracked. */
static int scan_view(struct scanning *s, struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap shown = {0};
	sn_auto(pagemap_release) struct pagemap written = {0};

	pagemap_clear(&s->listed);
	pagemap_clear(&s->protected);
	if (!s->view->shared)
		return 0;
	if (scan_mapping(s->t, s->view, SCAN_PROTECT, add, s, err) < 0) {
		if (err->code != EPERM)
			return -1;
		pagemap_clear(&s->listed);
		/* it may have shown another part of the object meanwhile (remap_file_pages(2)) */
		pagemap_add(&s->changed, s->object->present);
		if (uffd_register(s->t->remaps.uffd, s->view) < 0 ||
		    scan_mapping(s->t, s->view, SCAN_PROTECT, add, s, err) < 0)
			return 0;
		pagemap_clear(&s->protected);
	}
	add_view(&shown, s->object->id, s->view->offset_bytes, s->view->end - s->view->start);
	pagemap_subtract(&written, &shown, &s->protected);
	pagemap_add(&s->changed, &written);
	mark_absent(s, &shown);
	return 1;
}

static bool is_of(const Sn__Mapping *m, uint32_t id)
{
	return m->type == SN__MAPPING_TYPE__MAPPING_OBJECT && m->object_id == id;
}

/* A view that is not what it was: nobody knows what was written through it. */
static void add_gone(struct scanning *s, const Sn__Task *model, const struct shared_view *view)
{
	sn_auto(pagemap_release) struct pagemap was = {0};
	sn_auto(pagemap_release) struct pagemap stays = {0};
	sn_auto(pagemap_release) struct pagemap gone = {0};
	uint32_t id = s->object->id;
	size_t i;

	for (i = 0; i < model->n_mappings; i++) {
		const Sn__Mapping *m = model->mappings[i];
		uint64_t start = m->start > view->start ? m->start : view->start;
		uint64_t end = m->end < view->end ? m->end : view->end;

		if (is_of(m, id) && start < end &&
		    m->start - m->offset_bytes == view->start - view->offset)
			add_view(&stays, id, start - view->start + view->offset, end - start);
	}
	add_view(&was, id, view->offset, view->end - view->start);
	pagemap_subtract(&gone, &was, &stays);
	if (gone.len) /* as above */
		pagemap_add(&s->changed, s->object->present);
}

static void note_views(struct shared_object *known, const Sn__Task *model, uint32_t id)
{
	size_t i;

	known->count = 0;
	for (i = 0; i < model->n_mappings; i++) {
		const Sn__Mapping *m = model->mappings[i];

		if (!is_of(m, id))
			continue;
		known->views = sn_realloc(known->views, known->count + 1, sizeof(*known->views));
		known->views[known->count++] =
			(struct shared_view){m->start, m->end, m->offset_bytes};
	}
}

/*
 * ---- pages that were removed and read again ----
 *
 * To remove a page takes it out of every page table, and only who touches it again has it back. So
 * a mapping of our own, into which all pages are read while the process is frozen, tells which
 * were removed. It holds memory that the process has unmapped until the next look, so there is
 * one only of objects that are written.
 */

static const struct timespec mark[2] = {{0, UTIME_OMIT}, {1, 1}};

static bool is_marked(const struct stat *st)
{
	return st->st_mtim.tv_sec == mark[1].tv_sec && st->st_mtim.tv_nsec == mark[1].tv_nsec;
}

/* Pages of the object that our own mapping shows: those that have been there since we read them. */
static int find_ours(const struct scanning *s, const struct shared_object *known,
		     struct pagemap *ours, struct sn_err *err)
{
	sn_auto_fd int pagemap_fd = proc_open(getpid(), "pagemap", O_RDONLY, err);
	struct tracker us = {
		.caps = s->t->caps, .pagemap_fd = pagemap_fd, .regions = s->t->regions};
	Sn__Mapping view = SN__MAPPING__INIT;
	struct scanning of_us = {.t = &us, .object = s->object, .view = &view};
	int result;

	if (pagemap_fd < 0)
		return -1;
	view.start = (uintptr_t)known->ours;
	view.end = view.start + known->ours_bytes;
	view.shared = true;
	result = scan_mapping(&us, &view, SCAN_LOOK, add, &of_us, err);
	pagemap_release(&of_us.protected);
	*ours = of_us.listed;
	return result;
}

/* Whatever is not there in our mapping has been removed since, or is new. */
static int add_removed(struct scanning *s, const struct shared_object *known, struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap ours = {0};
	sn_auto(pagemap_release) struct pagemap removed = {0};

	if (!known->ours) {
		pagemap_add(&s->changed, s->object->present);
		return 0;
	}
	if (find_ours(s, known, &ours, err) < 0)
		return -1;
	pagemap_subtract(&removed, s->object->present, &ours);
	pagemap_add(&s->changed, &removed);
	return 0;
}

/* A child of ours does not get it. */
static void map_ours(struct shared_object *known, int fd, size_t bytes)
{
	void *at = known->ours ? MAP_FAILED : mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return;
	madvise(at, bytes, MADV_DONTFORK);
	known->ours = at;
	known->ours_bytes = bytes;
}

/* Reads into our mapping what is not there. */
static int fill_ours(const struct scanning *s, const struct shared_object *known,
		     struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap ours = {0};
	sn_auto(pagemap_release) struct pagemap absent = {0};
	size_t i;

	if (!known->ours)
		return 0;
	if (find_ours(s, known, &ours, err) < 0)
		return -1;
	pagemap_subtract(&absent, s->object->present, &ours);
	for (i = 0; i < absent.len; i++)
		if (madvise(known->ours + page_key_addr(absent.runs[i].key),
			    absent.runs[i].count * PAGE_BYTES, MADV_POPULATE_READ) < 0)
			return sn_fail_sys(err, "read shared memory");
	return 0;
}

/* ---- ahead of a scan ---- */

/* Pages that are there already and stay there need not be read while the process is frozen. */
static void populate(const struct shared_object *object, int fd)
{
	off_t data, hole = 0;

	while ((data = lseek(fd, hole, SEEK_DATA)) >= 0 &&
	       (hole = lseek(fd, data, SEEK_HOLE)) > data && (size_t)hole <= object->ours_bytes)
		madvise(object->ours + data, (size_t)(hole - data), MADV_POPULATE_READ);
}

static void meet(struct shared_object *object, pid_t pid, const struct proc_map *map)
{
	struct sn_err ignored;
	sn_auto_fd int fd = -1;
	struct stat st;
	char name[64];

	snprintf(name, sizeof(name), "map_files/%lx-%lx", map->start, map->end);
	fd = proc_open(pid, name, O_RDWR, &ignored);
	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	map_ours(object, fd, (size_t)st.st_size);
	if (object->ours)
		populate(object, fd);
}

void tracker_meet_objects(struct tracker *t, pid_t pid)
{
	sn_auto(proc_maps_release) struct proc_maps maps = {0};
	struct sn_err ignored;
	size_t i;

	if (t->shared_count == 0 || proc_maps(pid, &maps, &ignored) < 0)
		return;
	for (i = 0; i < maps.len; i++) {
		struct shared_object *object = find(t, maps.maps[i].dev, maps.maps[i].ino);

		if (object && object->alone && !object->ours)
			meet(object, pid, &maps.maps[i]);
	}
}

uint64_t tracker_object_pages(const struct tracker *t, pid_t pid)
{
	sn_auto(proc_maps_release) struct proc_maps maps = {0};
	struct sn_err ignored;
	uint64_t bytes = 0;
	size_t i;

	if (!t->ops->tracks_shared || proc_maps(pid, &maps, &ignored) < 0)
		return 0;
	for (i = 0; i < maps.len; i++)
		if (maps.maps[i].shared && strcmp(maps.maps[i].path, SHARED_PATH) == 0)
			bytes += maps.maps[i].end - maps.maps[i].start;
	return bytes / PAGE_BYTES;
}

bool tracker_has_object(struct tracker *t, int fd)
{
	const struct shared_object *object;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	object = find(t, st.st_dev, st.st_ino);
	return object && object->known;
}

/* ---- all together ---- */

/* 1; 0 when not all of its views can be tracked. */
static int scan_views(struct scanning *s, const Sn__Task *model, struct sn_err *err)
{
	int result = 1;
	size_t i, count = 0;

	for (i = 0; i < model->n_mappings && result == 1; i++) {
		s->view = model->mappings[i];
		if (is_of(s->view, s->object->id))
			result = count++ < VIEWS_MAX ? scan_view(s, err) : 0;
	}
	return result;
}

static int find_clean(struct scanning *s, const Sn__Task *model, const struct shared_object *known,
		      bool moved, struct pagemap *clean, struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap same = {0};
	sn_auto(pagemap_release) struct pagemap left = {0};
	size_t i;

	if (moved && add_removed(s, known, err) < 0)
		return -1;
	for (i = 0; i < known->count; i++)
		add_gone(s, model, &known->views[i]);
	pagemap_intersect(&same, s->object->base, s->object->present);
	pagemap_subtract(&left, &same, &s->changed);
	for (i = 0; i < left.len; i++)
		pagemap_append(clean, left.runs[i].key, left.runs[i].count, left.runs[i].loc);
	return 0;
}

static int scan_alone(struct scanning *s, const Sn__Task *model, struct shared_object *known,
		      const struct stat *st, struct pagemap *clean, struct sn_err *err)
{
	bool was_known = known->known && known->id == s->object->id && clean;
	bool moved = !is_marked(st);
	int result;

	known->known = false;
	result = scan_views(s, model, err);
	if (result != 1)
		return result;
	if (was_known && find_clean(s, model, known, moved, clean, err) < 0)
		return -1;
	if (was_known && moved)
		map_ours(known, s->object->fd, (size_t)st->st_size);
	if (fill_ours(s, known, err) < 0)
		return -1;
	note_views(known, model, s->object->id);
	known->id = s->object->id;
	known->known = futimens(s->object->fd, mark) == 0;
	return 0;
}

int tracker_scan_object(struct tracker *t, const Sn__Task *model,
			const struct tracked_object *object, struct pagemap *clean,
			struct sn_err *err)
{
	struct scanning s = {.t = t, .object = object};
	struct shared_object *known;
	struct stat st;
	int result;

	if (!t->ops->tracks_shared || t->misses || !t->caps->fork_seen || !t->caps->shmem_times ||
	    t->remaps.uffd < 0)
		return 0;
	if (fstat(object->fd, &st) < 0)
		return sn_fail_sys(err, "look at shared memory");
	known = find_or_add(t, st.st_dev, st.st_ino);
	known->alone |= object->made;
	if (!known->alone) {
		known->known = false;
		return 0;
	}
	result = scan_alone(&s, model, known, &st, clean, err);
	pagemap_release(&s.listed);
	pagemap_release(&s.protected);
	pagemap_release(&s.changed);
	return result;
}
