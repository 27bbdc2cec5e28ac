// SPDX-License-Identifier: Apache-2.0
/*
 * Tracking by userfaultfd write protection in asynchronous mode: a first write to a
 * protected page drops the protection, nobody waits, and PAGEMAP_SCAN calls the page
 * written. The userfaultfd has to be made inside the task; the registrations last while any
 * copy of it is open, so ours is enough, and when we die the task is simply not tracked.
 *
 * Not registered by themselves, so changed as a whole and registered when found: ranges
 * that are new, were moved or grew, and everything after exec.
 */
#include "core/base/guard.h"
#include "core/track/internal.h"
#include "core/track/known.h"
#include "core/track/missing.h"

#include "core/kernel/uapi.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool works(const struct kernel_caps *caps)
{
	return caps->uffd_wp_async && caps->uffd_wp_unpopulated && caps->pagemap_scan &&
	       caps->pidfd_getfd;
}

void uffd_close(struct tracker *t)
{
	if (t->uffd >= 0)
		close(t->uffd);
	t->uffd = -1;
	remaps_end(&t->remaps);
}

struct taking {
	const struct task *task;
	const struct remote_call *made;
	int uffd;
};

static int take_uffd(void *arg, struct sn_err *err)
{
	struct taking *taking = arg;

	taking->uffd =
		(int)syscall(SYS_pidfd_getfd, taking->task->pidfd, (int)taking->made->result, 0);
	if (taking->uffd < 0)
		return sn_fail_sys(err, "take the userfaultfd of process %d", taking->task->pid);
	return 0;
}

/* Made, taken and closed in one batch: the program never keeps it, whoever dies. */
int uffd_make(struct remote *remote, uint64_t features, int flags, int *uffd, struct sn_err *err)
{
	struct task *task = remote_task(remote);
	struct uffdio_api api = {.api = UFFD_API, .features = features};
	struct taking taking = {.task = task, .uffd = -1};
	struct remote_call *closed;

	remote_begin(remote);
	taking.made = remote_call(remote, "userfaultfd", SYS_userfaultfd,
				  O_CLOEXEC | O_NONBLOCK | flags);
	remote_pause(remote, take_uffd, &taking);
	closed = remote_call(remote, "close", SYS_close, 0);
	remote_ref(closed, 0, taking.made);
	if (remote_run(remote, task->pid, err) < 0)
		goto failed;
	remote_begin(remote);
	if (taking.uffd < 0)
		return sn_fail(err, "the userfaultfd of process %d was not taken", task->pid);
	if (ioctl(taking.uffd, UFFDIO_API, &api) < 0) {
		sn_fail_sys(err, "UFFDIO_API");
		goto failed;
	}
	*uffd = taking.uffd;
	return 0;
failed:
	sn_guard_fd(&taking.uffd);
	return -1;
}

static uint64_t features(const struct tracker *t)
{
	uint64_t all = UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED;

	if (t->ops != &tracker_uffd)
		return 0; /* soft_dirty.c only marks mappings by it */
	if (t->caps->uffd_wp_hugetlbfs_shmem)
		all |= UFFD_FEATURE_WP_HUGETLBFS_SHMEM;
	if (t->misses)
		all |= UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP |
		       UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP;
	return all;
}

int uffd_arm(struct tracker *t, struct remote *remote, struct sn_err *err)
{
	uffd_close(t);
	return uffd_make(remote, features(t), t->misses ? 0 : UFFD_USER_MODE_ONLY, &t->uffd, err);
}

int uffd_register(int uffd, const Sn__Mapping *m)
{
	struct uffdio_register range = {
		.range = {m->start, m->end - m->start},
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	return ioctl(uffd, UFFDIO_REGISTER, &range);
}

int uffd_protect(int uffd, uint64_t addr, uint64_t len, struct sn_err *err)
{
	struct uffdio_writeprotect protect = {
		.range = {addr, len},
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	if (ioctl(uffd, UFFDIO_WRITEPROTECT, &protect) < 0 && errno != ENOENT)
		return sn_fail_sys(err, "protect the pages at %#lx", addr);
	return 0;
}

int uffd_register_now(struct tracker *t, const Sn__Mapping *m, bool *registered, struct sn_err *err)
{
	*registered = uffd_register(t->uffd, m) == 0;
	if (*registered || (errno != ENOMEM && errno != ESRCH))
		return 0;
	if (uffd_arm(t, t->remote, err) < 0)
		return -1;
	*registered = uffd_register(t->uffd, m) == 0;
	return 0;
}

struct filling {
	uint32_t space;
	bool all_dirty;
	struct tracked part; /* of one mapping */
};

void uffd_add(struct tracked *to, uint32_t space, const struct page_state *state, bool all_dirty)
{
	uint64_t key = page_key(space, state->start);
	uint64_t count = (state->end - state->start) / PAGE_BYTES;

	if (!state->own)
		return;
	pagemap_append(&to->present, key, count, PAGE_LOC_ZERO);
	if (state->written || all_dirty)
		pagemap_append(&to->dirty, key, count, PAGE_LOC_ZERO);
}

static int add(void *arg, const struct page_state *state, struct sn_err *err)
{
	struct filling *f = arg;

	(void)err;
	uffd_add(&f->part, f->space, state, f->all_dirty);
	return 0;
}

static void forget_part(struct filling *f)
{
	pagemap_clear(&f->part.present);
	pagemap_clear(&f->part.dirty);
}

static int protect(struct tracker *t, const Sn__Mapping *m, struct filling *f, struct sn_err *err)
{
	if (known_in(t, f->space, m))
		return known_scan(t, f->space, m, &f->part, err);
	return scan_mapping(t, m, SCAN_PROTECT, add, f, err);
}

/*
 * A mapping any part of which is not registered makes the protecting scan fail (EPERM), with
 * some of it protected already and its state lost: then all of it has changed. It is
 * registered only while frozen: a mapping that changes under us would be cut in two, and a
 * program's mremap(2) over both would fail.
 */
static int scan_one(struct tracker *t, const Sn__Mapping *m, struct filling *f, struct sn_err *err)
{
	bool registered = false;

	forget_part(f);
	f->all_dirty = false;
	if (protect(t, m, f, err) == 0)
		return 0;
	if (err->code != EPERM)
		return -1;
	f->all_dirty = true;
	forget_part(f);
	if (t->remote && uffd_register_now(t, m, &registered, err) < 0)
		return -1;
	if (registered && scan_mapping(t, m, SCAN_PROTECT, add, f, err) == 0)
		return 0;
	forget_part(f);
	return scan_mapping(t, m, SCAN_LOOK, add, f, err);
}

static bool is_tracked(const Sn__Mapping *m)
{
	return !m->shared && m->type != SN__MAPPING_TYPE__MAPPING_SPECIAL;
}

static void join(struct pagemap *to, const struct pagemap *part)
{
	size_t i;

	for (i = 0; i < part->len; i++)
		pagemap_append(to, part->runs[i].key, part->runs[i].count, PAGE_LOC_ZERO);
}

static int scan(struct tracker *t, const Sn__Task *model, struct tracked *found, struct sn_err *err)
{
	struct filling f = {.space = model->space};
	size_t i;
	int result = 0;

	for (i = 0; i < model->n_mappings && result == 0; i++) {
		const Sn__Mapping *m = model->mappings[i];

		if (!is_tracked(m))
			continue;
		result = scan_one(t, m, &f, err);
		if (f.all_dirty && !t->remote) {
			join(&found->unknown, &f.part.present);
			continue;
		}
		join(&found->present, &f.part.present);
		join(&found->dirty, &f.part.dirty);
	}
	tracked_release(&f.part);
	known_set(t, result == 0 ? &found->present : NULL);
	return result;
}

static int look_at(struct tracker *t, const Sn__Mapping *m, struct filling *f, struct sn_err *err)
{
	forget_part(f);
	f->all_dirty = false;
	if (scan_mapping(t, m, SCAN_CHECK, add, f, err) == 0)
		return 0;
	if (err->code != EPERM)
		return -1;
	/* some of it is not registered */
	f->all_dirty = true;
	forget_part(f);
	return scan_mapping(t, m, SCAN_LOOK, add, f, err);
}

static int look(struct tracker *t, const Sn__Task *model, struct tracked *found, struct sn_err *err)
{
	struct filling f = {.space = model->space};
	int result = 0;
	size_t i;

	for (i = 0; i < model->n_mappings && result == 0; i++) {
		if (!is_tracked(model->mappings[i]))
			continue;
		result = look_at(t, model->mappings[i], &f, err);
		join(&found->present, &f.part.present);
		join(&found->dirty, &f.part.dirty);
	}
	tracked_release(&f.part);
	return result;
}

/* Only the pages themselves: protecting a hole leaves a marker there, and a marker reads as a
 * swapped page. What cannot be protected (ENOENT: it is not registered) stays changed. */
static int clean(struct tracker *t, const struct pagemap *keys, struct sn_err *err)
{
	size_t i;

	for (i = 0; i < keys->len; i++)
		if (uffd_protect(t->uffd, page_key_addr(keys->runs[i].key),
				 keys->runs[i].count * PAGE_BYTES, err) < 0)
			return -1;
	return 0;
}

static int add_clean(void *arg, const struct page_state *state, struct sn_err *err)
{
	struct filling *f = arg;

	(void)err;
	if (state->own && !state->written)
		pagemap_append(&f->part.present, page_key(f->space, state->start),
			       (state->end - state->start) / PAGE_BYTES, PAGE_LOC_ZERO);
	return 0;
}

/* Another userfaultfd in the place of ours: what is protected now is noted, and protected again. */
int tracker_miss_close(struct tracker *t, struct remote *remote, const Sn__Task *model,
		       struct sn_err *err)
{
	struct filling f = {.space = model->space};
	int result = 0;
	size_t i;

	t->misses = false;
	for (i = 0; i < model->n_mappings && result == 0; i++)
		if (is_tracked(model->mappings[i]))
			result = scan_mapping(t, model->mappings[i], SCAN_LOOK, add_clean, &f, err);
	if (result == 0)
		result = uffd_arm(t, remote, err);
	for (i = 0; i < model->n_mappings && result == 0; i++)
		if (is_tracked(model->mappings[i]))
			uffd_register(t->uffd, model->mappings[i]);
	if (result == 0)
		result = clean(t, &f.part.present, err);
	if (result < 0)
		uffd_close(t); /* nobody reads any more what the program waits to tell */
	tracked_release(&f.part);
	return result;
}

/* UFFDIO_COPY stops at the first page that is there already, or is not registered. */
static uint64_t place(struct tracker *t, uint64_t addr, const uint8_t *pages, uint64_t count)
{
	struct uffdio_copy copy = {
		.dst = addr,
		.src = (uintptr_t)pages,
		.len = count * PAGE_BYTES,
		.mode = UFFDIO_COPY_MODE_WP,
	};

	if (t->caps->uffd_copy)
		ioctl(t->uffd, UFFDIO_COPY, &copy);
	return copy.copy > 0 ? (uint64_t)copy.copy / PAGE_BYTES : 0;
}

const struct tracker_ops tracker_uffd = {
	.name = "uffd",
	.works = works,
	.scans_running = true,
	.tracks_shared = true,
	.arm = uffd_arm,
	.scan = scan,
	.look = look,
	.clean = clean,
	.place = place,
	.close = uffd_close,
};
