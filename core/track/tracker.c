// SPDX-License-Identifier: Apache-2.0
#include "core/track/tracker.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/task/proc.h"
#include "core/track/internal.h"

#include <fcntl.h>
#include <sys/uio.h>

static const struct tracker_ops *const trackers[] = {&tracker_soft_dirty, &tracker_uffd,
						     &tracker_compare};

void tracked_release(struct tracked *tracked)
{
	pagemap_release(&tracked->present);
	pagemap_release(&tracked->dirty);
	pagemap_release(&tracked->unknown);
}

void tracked_add_missing(struct tracked *tracked, const struct pagemap *parent)
{
	sn_auto(pagemap_release) struct pagemap missing = {0};
	struct pagemap all = {0};

	pagemap_subtract(&missing, &tracked->present, parent);
	pagemap_overlay(&all, &tracked->dirty, &missing);
	pagemap_release(&tracked->dirty);
	tracked->dirty = all;
}

int tracker_open(struct tracker **t, const char *name, const struct kernel_caps *caps,
		 struct sn_err *err)
{
	bool automatic = !name || strcmp(name, "auto") == 0;
	size_t i;

	for (i = 0; i < sn_countof(trackers); i++) {
		if (!automatic && strcmp(trackers[i]->name, name) != 0)
			continue;
		if (!trackers[i]->works(caps)) {
			if (automatic)
				continue;
			return sn_fail(err, "this kernel cannot track by %s: see `snapsh check`",
				       name);
		}
		*t = sn_calloc(1, sizeof(**t));
		**t = (struct tracker){.ops = trackers[i],
				       .caps = caps,
				       .pagemap_fd = -1,
				       .uffd = -1,
				       .remaps = {.uffd = -1},
				       .lost = true};
		return 0;
	}
	return sn_fail(err, "no such tracker: %s", name ? name : "auto");
}

static void disarm(struct tracker *t)
{
	if (t->ops->close)
		t->ops->close(t);
	sn_guard_fd(&t->pagemap_fd);
	t->pagemap_fd = -1;
	t->pid = 0;
	t->lost = true;
	pagemap_clear(&t->known);
	t->forks.count = 0;
	t->forked = false;
	shared_forget(t);
}

void tracker_close(struct tracker *t)
{
	if (!t)
		return;
	disarm(t);
	free(t->regions);
	pagemap_release(&t->known);
	pagemap_release(&t->untouched);
	free(t);
}

const char *tracker_name(const struct tracker *t)
{
	return t->ops->name;
}

void tracker_lost(struct tracker *t)
{
	t->lost = true;
	t->forks.count = 0; /* all will be read, which hides a fork */
}

/* Opened anew each time: it belongs to an address space, which exec has replaced. */
static int open_pagemap(struct tracker *t, pid_t pid, struct sn_err *err)
{
	sn_guard_fd(&t->pagemap_fd);
	t->pagemap_fd = proc_open(pid, "pagemap", O_RDONLY, err);
	return t->pagemap_fd < 0 ? -1 : 0;
}

static int arm(struct tracker *t, struct remote *remote, struct sn_err *err)
{
	pid_t pid = remote_task(remote)->pid;

	if (t->pid == pid)
		return 0;
	disarm(t);
	if (t->ops->arm && t->ops->arm(t, remote, err) < 0)
		return -1;
	t->pid = pid;
	return 0;
}

bool tracker_tells_running(const struct tracker *t)
{
	return t->ops->look;
}

bool tracker_scans_running(const struct tracker *t)
{
	return t->ops->scans_running;
}

static void forget_found(struct tracked *found)
{
	pagemap_clear(&found->present);
	pagemap_clear(&found->dirty);
	pagemap_clear(&found->unknown);
}

/* PAGEMAP_SCAN passes over holes by itself. They stay so in a frozen process, and a look at a
 * running one need not see all. */
static int find_untouched(struct tracker *t, pid_t pid, const Sn__Task *model, struct sn_err *err)
{
	bool by_ioctl = t->ops == &tracker_soft_dirty ? t->caps->pagemap_scan_soft_dirty
						      : t->caps->pagemap_scan;

	pagemap_clear(&t->untouched);
	return by_ioctl ? 0 : untouched_find(t, model, pid, err);
}

static int scan(struct tracker *t, pid_t pid, const Sn__Task *model, struct tracked *found,
		struct sn_err *err)
{
	forget_found(found);
	if (open_pagemap(t, pid, err) < 0 || find_untouched(t, pid, model, err) < 0 ||
	    t->ops->scan(t, model, found, err) < 0) {
		t->lost = true;
		t->forks.count = 0;
		return sn_ctx(err, "find changed pages (%s)", t->ops->name);
	}
	forks_strike(&t->forks, model->space, found);
	if (t->lost)
		shared_lost(t);
	if (t->lost)
		pagemap_copy(&found->dirty, &found->present);
	t->lost = false;
	return 0;
}

int tracker_scan(struct tracker *t, struct remote *remote, const Sn__Task *model,
		 struct tracked *found, struct sn_err *err)
{
	int result = arm(t, remote, err);

	t->remote = remote;
	if (result == 0)
		result = scan(t, t->pid, model, found, err);
	if (result == 0)
		result = shared_arm(t, remote, model, err);
	if (result == 0 && t->ops->tracks_shared)
		shared_look_for_forks(t, model, &found->present);
	t->remote = NULL;
	return result;
}

int tracker_look(struct tracker *t, pid_t pid, const Sn__Task *model, struct tracked *found,
		 struct sn_err *err)
{
	bool counts = t->pid == pid && !t->lost && t->ops->look;

	forget_found(found);
	if (!counts)
		t->forks.count = 0; /* as in tracker_lost */
	if (open_pagemap(t, pid, err) < 0 || find_untouched(t, pid, model, err) < 0 ||
	    (counts ? t->ops->look : tracker_compare.scan)(t, model, found, err) < 0)
		return sn_ctx(err, "look for changed pages (%s)", t->ops->name);
	return 0;
}

int tracker_scan_running(struct tracker *t, pid_t pid, const Sn__Task *model,
			 struct tracked *found, struct sn_err *err)
{
	if (t->pid == pid && t->ops->scans_running)
		return scan(t, pid, model, found, err);
	if (tracker_look(t, pid, model, found, err) < 0)
		return -1;
	pagemap_copy(&found->unknown, &found->dirty);
	pagemap_clear(&found->present);
	pagemap_clear(&found->dirty);
	return 0;
}

int tracker_clean(struct tracker *t, const struct pagemap *keys, struct sn_err *err)
{
	return t->ops->clean ? t->ops->clean(t, keys, err) : 0;
}

int tracker_place(struct tracker *t, uint64_t addr, const uint8_t *pages, uint64_t count,
		  struct sn_err *err)
{
	uint64_t placed = t->ops->place ? t->ops->place(t, addr, pages, count) : 0;
	struct iovec local = {(void *)(pages + placed * PAGE_BYTES), (count - placed) * PAGE_BYTES};
	struct iovec remote = {(void *)(addr + placed * PAGE_BYTES), local.iov_len};

	if (process_vm_writev(t->pid, &local, 1, &remote, 1, 0) == (ssize_t)local.iov_len)
		return 0;
	return sn_fail_sys(err, "write %lu pages at %#lx of %d", count - placed,
			   addr + placed * PAGE_BYTES, t->pid);
}
