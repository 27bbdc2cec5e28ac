// SPDX-License-Identifier: Apache-2.0
#include "snap/fill.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/object_pages.h"
#include "core/track/missing.h"
#include "core/track/shared.h"
#include "snap/fresh.h"
#include "snap/lazy.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum {
	CHUNK_PAGES = 256, /* 1 MiB: stays in the cache between reading and writing */
	WRITE_PAGES = 16384,
};

int fill_read(struct catalog *cat, uint64_t loc, uint64_t count, uint8_t *buf,
	      struct sn_err *err)
{
	if (loc != PAGE_LOC_ZERO)
		return catalog_pages_read(cat, loc, count, buf, err);
	memset(buf, 0, count * PAGE_BYTES);
	return 0;
}

/*
 * Calls `put` for the pages of `run` in pieces: from what was read ahead, else read now.
 */
static int each_piece(struct fill *f, const struct page_run *run,
		      int (*put)(void *arg, uint64_t key, const uint8_t *pages, uint64_t count,
				 struct sn_err *err),
		      void *arg, struct sn_err *err)
{
	uint64_t done = 0;

	while (done < run->count) {
		uint64_t key = run->key + done, count = run->count - done;
		size_t r = pagemap_seek(&f->goal->ready, key);
		const struct page_run *ready =
			r < f->goal->ready.len ? &f->goal->ready.runs[r] : NULL;
		const uint8_t *pages = f->session->buffer.bytes;

		if (ready && ready->key <= key) {
			if (ready->key + ready->count - key < count)
				count = ready->key + ready->count - key;
			pages = f->goal->pages.bytes + (ready->loc + key - ready->key) * PAGE_BYTES;
		} else {
			if (ready && ready->key - key < count)
				count = ready->key - key;
			if (count > CHUNK_PAGES)
				count = CHUNK_PAGES;
			if (fill_read(f->session->cat, run->loc ? run->loc + done : PAGE_LOC_ZERO,
				      count, f->session->buffer.bytes, err) < 0)
				return -1;
		}
		if (put(arg, key, pages, count, err) < 0)
			return -1;
		done += count;
	}
	return 0;
}

/* ---- private memory ---- */

/* Pages on their way into the task: neighbours in our memory, wherever they belong. */
struct writing {
	struct fill *f;
	const uint8_t *pages;
	struct pagemap keys;
	uint64_t count;
};

static int flush(struct writing *w, struct sn_err *err)
{
	int result = w->count ? mem_write(&w->f->frozen->task, &w->keys, w->pages, err) : 0;

	w->f->written_pages += w->count;
	pagemap_clear(&w->keys);
	w->count = 0;
	return result;
}

static int put_private(void *arg, uint64_t key, const uint8_t *pages, uint64_t count,
		       struct sn_err *err)
{
	struct writing *w = arg;

	/* the session's buffer is used again and again: what is in it goes out at once */
	if (w->count && (pages != w->pages + w->count * PAGE_BYTES || w->count >= WRITE_PAGES) &&
	    flush(w, err) < 0)
		return -1;
	if (!w->count)
		w->pages = pages;
	pagemap_append(&w->keys, key, count, PAGE_LOC_ZERO);
	w->count += count;
	return pages == w->f->session->buffer.bytes ? flush(w, err) : 0;
}

static int drop(struct fill *f, struct applying *a, const struct pagemap *keys,
		struct sn_err *err)
{
	static const uint8_t zeros[PAGE_BYTES];
	size_t i;

	for (i = 0; i < keys->len; i++) {
		uint64_t start = page_key_addr(keys->runs[i].key), p;
		struct remote_call *call;

		remote_begin(a->remote);
		call = remote_try(a->remote, "drop pages", SYS_madvise, start,
				  keys->runs[i].count * PAGE_BYTES, MADV_DONTNEED);
		if (remote_run(a->remote, a->task->pid, err) < 0)
			return -1;
		if (call->result == 0)
			continue;
		/* locked memory keeps its pages: then they are zeros */
		for (p = 0; p < keys->runs[i].count; p++)
			if (task_poke(&f->frozen->task, start + p * PAGE_BYTES, zeros, PAGE_BYTES,
				      err) < 0)
				return -1;
	}
	remote_begin(a->remote);
	return 0;
}

static void of_space(struct pagemap *out, const struct pagemap *map, uint32_t space)
{
	size_t i;

	for (i = pagemap_seek(map, page_key(space, 0)); i < map->len; i++) {
		if (page_key_space(map->runs[i].key) != space)
			break;
		pagemap_append(out, map->runs[i].key, map->runs[i].count, map->runs[i].loc);
	}
}

/*
 * What is to be written: pages of the goal, less those that the tracker calls unchanged
 * since the base and that the base has at the same location.
 */
static void to_write(const struct fill *f, const struct pagemap *want,
		     const struct tracked *now, struct pagemap *write)
{
	sn_auto(pagemap_release) struct pagemap clean = {0};
	sn_auto(pagemap_release) struct pagemap differ = {0};
	sn_auto(pagemap_release) struct pagemap same = {0};
	sn_auto(pagemap_release) struct pagemap unchanged = {0};

	pagemap_subtract(&clean, &now->present, &now->dirty);
	pagemap_changed(&differ, want, &f->session->base);
	pagemap_subtract(&same, want, &differ);
	pagemap_intersect(&unchanged, &same, &clean);
	pagemap_subtract(write, want, &unchanged);
}

static bool any(const Sn__Mapping *m)
{
	(void)m;
	return true;
}

/* Memory that is protected with nothing in it is no longer accounted ("ac"), so what cannot be
 * written by then has to be filled before. */
static bool may_come_later(const Sn__Mapping *m)
{
	return m->prot & PROT_WRITE;
}

/* Of `pages` those of anonymous mappings of which `which` is true. */
static void of_anon(const Sn__Task *task, const struct pagemap *pages,
		    bool (*which)(const Sn__Mapping *m), struct pagemap *out)
{
	sn_auto(pagemap_release) struct pagemap anon = {0};
	size_t i;

	for (i = 0; i < task->n_mappings; i++) {
		const Sn__Mapping *m = task->mappings[i];

		if (m->type == SN__MAPPING_TYPE__MAPPING_ANON && which(m))
			pagemap_append(&anon, page_key(task->space, m->start),
				       (m->end - m->start) / PAGE_BYTES, PAGE_LOC_ZERO);
	}
	pagemap_intersect(out, pages, &anon);
}

/* Of the pages to be written those of memory that has none there and is all zeros. */
static void split_fresh(const struct fill *f, const struct applying *a, const struct tracked *now,
			const struct pagemap *write, struct pagemap *fresh, struct pagemap *over)
{
	sn_auto(pagemap_release) struct pagemap absent = {0};
	sn_auto(pagemap_release) struct pagemap unread = {0};

	pagemap_subtract(&absent, write, &now->present);
	pagemap_subtract(&unread, &absent, &f->goal->ready);
	of_anon(a->want_task, &unread, any, fresh);
	pagemap_subtract(over, write, fresh);
}

static int write_over(struct fill *f, const struct pagemap *over, struct sn_err *err)
{
	struct writing writing = {.f = f};
	int result = 0;
	size_t i;

	for (i = 0; i < over->len && result == 0; i++)
		result = each_piece(f, &over->runs[i], put_private, &writing, err);
	if (result == 0)
		result = flush(&writing, err);
	pagemap_release(&writing.keys);
	return result < 0 ? -1 : tracker_clean(f->session->tracker, over, err);
}

/* What can comes later, on demand: its memory is watched from now on. */
static int begin_lazy(struct fill *f, const struct applying *a, struct pagemap *fresh,
		      struct sn_err *err)
{
	struct pagemap later = {0}, rest = {0};
	size_t i;

	of_anon(a->want_task, fresh, may_come_later, &later);
	pagemap_subtract(&rest, fresh, &later);
	pagemap_release(fresh);
	*fresh = rest;
	for (i = 0; i < a->want_task->n_mappings; i++) {
		const Sn__Mapping *m = a->want_task->mappings[i];

		if (m->type == SN__MAPPING_TYPE__MAPPING_ANON && may_come_later(m) &&
		    tracker_miss_range(f->session->tracker, m->start, m->end, err) < 0) {
			pagemap_release(&later);
			return -1;
		}
	}
	return lazy_begin(&f->session->lazy, f->session, &later, f->goal, err);
}

static int fill_private(struct fill *f, struct applying *a, struct sn_err *err)
{
	sn_auto(tracked_release) struct tracked now = {0};
	sn_auto(pagemap_release) struct pagemap want = {0};
	sn_auto(pagemap_release) struct pagemap write = {0};
	sn_auto(pagemap_release) struct pagemap surplus = {0};
	sn_auto(pagemap_release) struct pagemap fresh = {0};
	sn_auto(pagemap_release) struct pagemap over = {0};

	of_space(&want, &f->goal->map, a->want_task->space);
	if (f->lazy && tracker_miss_open(f->session->tracker, err) < 0)
		return -1;
	if (tracker_scan(f->session->tracker, a->remote, a->want_task, &now, err) < 0)
		return -1;
	to_write(f, &want, &now, &write);
	pagemap_subtract(&surplus, &now.present, &want);
	if (drop(f, a, &surplus, err) < 0)
		return -1;
	split_fresh(f, a, &now, &write, &fresh, &over);
	if ((f->lazy && begin_lazy(f, a, &fresh, err) < 0) ||
	    fresh_fill(f->session, &fresh, &f->written_pages, err) < 0 ||
	    write_over(f, &over, err) < 0)
		return -1;
	tracker_watch_forks(f->session->tracker, a->want_task, &want);
	return 0;
}

/* ---- memory objects ---- */

struct object_fill {
	struct fill *f;
	const Sn__MemoryObject *object;
	struct object_access access;
	uint8_t *now; /* CHUNK_PAGES: what is there, to write only what differs */
};

static int put_object(void *arg, uint64_t key, const uint8_t *pages, uint64_t count,
		      struct sn_err *err)
{
	struct object_fill *of = arg;
	const struct task *task = &of->f->frozen->task;
	uint64_t i, offset = page_key_addr(key);

	for (i = 0; i < count; i += CHUNK_PAGES) {
		uint64_t n = count - i < CHUNK_PAGES ? count - i : CHUNK_PAGES;
		const uint8_t *from = pages + i * PAGE_BYTES;

		if (object_pages_read(task, &of->access, offset + i * PAGE_BYTES, of->now, n,
				      err) < 0)
			return -1;
		if (memcmp(of->now, from, n * PAGE_BYTES) == 0)
			continue;
		of->f->written_pages += n;
		if (object_pages_write(task, &of->access, of->object, offset + i * PAGE_BYTES,
				       from, n, err) < 0)
			return -1;
	}
	return 0;
}

/* Of the wanted pages those that need not be looked at: unchanged since the base, which has the
 * same. */
static int find_unchanged(struct fill *f, const struct applying *a,
			  const struct object_fill *of, const struct pagemap *want,
			  const struct pagemap *now, struct pagemap *unchanged,
			  struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap clean = {0};
	sn_auto(pagemap_release) struct pagemap differ = {0};
	sn_auto(pagemap_release) struct pagemap same = {0};
	struct tracked_object tracked = {.id = of->object->id, .fd = of->access.fd,
					 .present = now, .base = &f->session->base};

	if (of->access.fd < 0 || !object_is_memory(of->object))
		return 0;
	if (tracker_scan_object(f->session->tracker, a->want_task, &tracked, &clean, err) < 0)
		return -1;
	pagemap_changed(&differ, want, &f->session->base);
	pagemap_subtract(&same, want, &differ);
	pagemap_intersect(unchanged, &same, &clean);
	return 0;
}

/* The goal's object is this one from now on. */
static void identify(struct fill *f, uint32_t id, int fd)
{
	struct stat st;
	size_t i;

	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	for (i = 0; i < f->goal->image->n_objects; i++) {
		if (f->goal->image->objects[i]->id != id)
			continue;
		f->goal->image->objects[i]->dev = st.st_dev;
		f->goal->image->objects[i]->ino = st.st_ino;
	}
}

/* The object is as wanted, which counts as unchanged. */
static int begin_tracking(struct fill *f, const struct applying *a, const struct object_fill *of,
			  const struct pagemap *want, struct sn_err *err)
{
	struct object_access access = {.fd = -1};
	struct tracked_object tracked = {.id = of->object->id, .fd = of->access.fd,
					 .made = of->access.made, .present = want,
					 .base = want};
	int result = 0;

	identify(f, of->object->id, of->access.fd);
	if (!object_is_memory(of->object))
		return 0;
	/* what was made is mapped by now */
	if (of->access.made &&
	    object_reach(&f->frozen->task, f->goal->image, of->object, &access, err) < 0)
		return 0;
	if (access.fd >= 0)
		tracked.fd = access.fd;
	identify(f, of->object->id, access.fd);
	if (tracked.fd >= 0)
		result = tracker_scan_object(f->session->tracker, a->want_task, &tracked, NULL,
					     err);
	sn_guard_fd(&access.fd);
	return result;
}

static int fill_object(struct fill *f, struct applying *a, const Sn__MemoryObject *object,
		       struct sn_err *err)
{
	sn_auto(pagemap_release) struct pagemap want = {0};
	sn_auto(pagemap_release) struct pagemap now = {0};
	sn_auto(pagemap_release) struct pagemap surplus = {0};
	sn_auto(pagemap_release) struct pagemap unchanged = {0};
	sn_auto(pagemap_release) struct pagemap write = {0};
	sn_auto_free uint8_t *chunk = sn_malloc(CHUNK_PAGES * PAGE_BYTES);
	struct object_fill of = {.f = f, .object = object, .now = chunk};
	int result = -1;
	size_t i;

	if (object_reach_applied(a, object, &of.access, err) < 0)
		return -1;
	of_space(&want, &f->goal->map, object->id);
	if (object_pages_find(a->remote, &of.access, object, &now, err) < 0 ||
	    find_unchanged(f, a, &of, &want, &now, &unchanged, err) < 0)
		goto out;
	pagemap_subtract(&surplus, &now, &want);
	for (i = 0; i < surplus.len; i++)
		if (object_pages_drop(&f->frozen->task, &of.access, object,
				      page_key_addr(surplus.runs[i].key), surplus.runs[i].count,
				      err) < 0)
			goto out;
	pagemap_subtract(&write, &want, &unchanged);
	for (i = 0; i < write.len; i++)
		if (each_piece(f, &write.runs[i], put_object, &of, err) < 0)
			goto out;
	result = begin_tracking(f, a, &of, &want, err);
out:
	sn_guard_fd(&of.access.fd);
	return result;
}

int fill_pages(void *arg, struct applying *a, struct sn_err *err)
{
	struct fill *f = arg;
	size_t i;

	if (page_buffer_reserve(&f->session->buffer, CHUNK_PAGES * PAGE_BYTES,
				CHUNK_PAGES * PAGE_BYTES, err) < 0 ||
	    fill_private(f, a, err) < 0)
		return -1;
	for (i = 0; i < f->goal->image->n_objects; i++)
		if (fill_object(f, a, f->goal->image->objects[i], err) < 0)
			return sn_ctx(err, "%s", f->goal->image->objects[i]->name);
	return 0;
}
