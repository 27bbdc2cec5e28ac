// SPDX-License-Identifier: Apache-2.0
/*
 * Watches have numbers that a new instance gives out from 1 on, never twice: a watch gets
 * its number again by adding and removing until its turn comes. In a living instance the
 * turn of a removed watch will not come again, so then a new instance takes its place.
 *
 * Events that wait to be read cannot be seen without taking them: their bytes are counted, and
 * whoever comes back is told that they are lost.
 */
#include "core/kinds/inotify.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/named.h"
#include "core/kinds/watch_path.h"

#include <errno.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

enum { MAX_WD = 1 << 20 }; /* about two seconds of adding and removing */

static bool recognise(const struct file_probe *probe)
{
	return strcmp(probe->link, "anon_inode:inotify") == 0;
}

/* ---- reading ---- */

static int by_wd(const void *a, const void *b)
{
	const Sn__InotifyWatch *x = *(Sn__InotifyWatch *const *)a,
			       *y = *(Sn__InotifyWatch *const *)b;

	return x->wd < y->wd ? -1 : x->wd > y->wd;
}

static int bytes_waiting(int fd, uint32_t *bytes, struct sn_err *err)
{
	int queued;

	if (ioctl(fd, FIONREAD, &queued) < 0)
		return sn_fail_sys(err, "inotify: bytes of events");
	*bytes = (uint32_t)queued;
	return 0;
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	struct watch_mount mount = {.fd = -1};
	const char *at = r->probe->fdinfo;
	Sn__Inotify *inotify = message;
	struct fdinfo_watch found;
	int more, fd = reading_fd(r, err);

	if (fd < 0 || bytes_waiting(fd, &inotify->queued_bytes, err) < 0)
		return -1;
	while ((more = fdinfo_next_watch(&at, &found, err)) > 0) {
		Sn__InotifyWatch *watch = kind_append(inotify, watches, sn__inotify_watch);
		sn_auto_free char *path = watch_path(r, &found, &mount);

		watch->wd = found.wd;
		watch->mask = found.mask;
		watch->dev = found.dev;
		watch->ino = found.ino;
		if (path)
			kind_set_string(&watch->path, path);
	}
	sn_guard_fd(&mount.fd);
	if (inotify->n_watches)
		qsort(inotify->watches, inotify->n_watches, sizeof(*inotify->watches), by_wd);
	return more;
}

/* ---- planning ---- */

static const Sn__InotifyWatch *watch_of(const Sn__OpenFile *file, int32_t wd)
{
	size_t i;

	for (i = 0; i < file->inotify->n_watches; i++)
		if (file->inotify->watches[i]->wd == wd)
			return file->inotify->watches[i];
	return NULL;
}

static bool same(const Sn__OpenFile *have, const Sn__OpenFile *want)
{
	size_t i;

	for (i = 0; i < want->inotify->n_watches; i++) {
		const Sn__InotifyWatch *watch = want->inotify->watches[i];
		const Sn__InotifyWatch *now = watch_of(have, watch->wd);

		if (!now || now->ino != watch->ino || now->dev != watch->dev ||
		    (now->mask != watch->mask && !watch->path[0]))
			return false;
	}
	return true;
}

static const char *refuse(const Sn__Image *want, const Sn__OpenFile *file)
{
	size_t i;

	(void)want;
	for (i = 0; i < file->inotify->n_watches; i++) {
		const Sn__InotifyWatch *watch = file->inotify->watches[i];
		const Sn__FileId id = {.dev = watch->dev, .ino = watch->ino};
		const char *why = named_refuse(watch->path, &id);

		if (!watch->path[0])
			return "the path of a watched file is not known "
			       "(finding it takes CAP_DAC_READ_SEARCH)";
		if (watch->wd > MAX_WD)
			return "its watch numbers have gone too far";
		if (why)
			return why;
	}
	return NULL;
}

/* ---- making ---- */

static struct remote_call *add(struct applying *a, int fd, const Sn__InotifyWatch *watch)
{
	return remote_call(a->remote, "add an inotify watch", SYS_inotify_add_watch, (uint64_t)fd,
			   remote_text(a->remote, watch->path), watch->mask | IN_DONT_FOLLOW);
}

/* Adds a watch as number watch->wd, *next being the one the kernel gives out next. */
static int add_as(struct applying *a, int fd, const Sn__InotifyWatch *watch, int32_t *next,
		  struct sn_err *err)
{
	struct remote_call *added;

	for (; *next < watch->wd; ++*next) {
		if (!remote_fits(a->remote, 4, 2 * (strlen(watch->path) + 16)) &&
		    applying_run(a, err) < 0)
			return -1;
		add(a, fd, watch);
		remote_call(a->remote, "remove an inotify watch", SYS_inotify_rm_watch,
			    (uint64_t)fd, (uint64_t)*next);
	}
	added = add(a, fd, watch);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return sn_ctx(err, "%s", watch->path);
	if (added->result != watch->wd)
		return sn_fail(err, "inotify: watch of %s is number %lld instead of %d",
			       watch->path, (long long)added->result, watch->wd);
	++*next;
	return applying_run(a, err);
}

static int make(struct applying *a, const Sn__OpenFile *want, struct sn_err *err)
{
	const char *why = refuse(a->want, want);
	struct remote_call *call;
	int32_t next = 1;
	size_t i;
	int fd;

	if (why)
		return sn_fail(err, "inotify: %s", why);
	if (applying_run(a, err) < 0)
		return -1;
	call = remote_call(a->remote, "make an inotify instance", SYS_inotify_init1, 0);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	fd = (int)call->result;
	for (i = 0; i < want->inotify->n_watches; i++)
		if (add_as(a, fd, want->inotify->watches[i], &next, err) < 0)
			return -1;
	return applying_made(a, want->id, fd, err);
}

/* Reads away the events that wait. */
static int drain(int fd, struct sn_err *err)
{
	uint32_t bytes = 0;

	for (;;) {
		sn_auto_free char *events = NULL;

		if (bytes_waiting(fd, &bytes, err) < 0)
			return -1;
		if (bytes == 0)
			return 0;
		events = sn_malloc(bytes);
		if (read(fd, events, bytes) < 0)
			return sn_fail_sys(err, "inotify: read events away");
	}
}

static bool same_watches(const Sn__OpenFile *have, const Sn__OpenFile *want)
{
	size_t i;

	for (i = 0; i < have->inotify->n_watches; i++) {
		const Sn__InotifyWatch *now = have->inotify->watches[i];
		const Sn__InotifyWatch *watch = watch_of(want, now->wd);

		if (!watch || watch->mask != now->mask)
			return false;
	}
	return true;
}

/* Of a living instance, which has all that are wanted. */
static int correct_watches(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want,
			   int fd, struct sn_err *err)
{
	size_t i;

	for (i = 0; i < have->inotify->n_watches; i++) {
		const Sn__InotifyWatch *now = have->inotify->watches[i];
		const Sn__InotifyWatch *watch = watch_of(want, now->wd);

		if (watch && watch->mask == now->mask)
			continue;
		if (watch)
			add(a, fd, watch);
		else
			remote_call(a->remote, "remove an inotify watch", SYS_inotify_rm_watch,
				    (uint64_t)fd, (uint64_t)now->wd);
		if (applying_run(a, err) < 0)
			return sn_ctx(err, "%s", now->path);
	}
	return 0;
}

/* Our own adding, removing and opening makes events too. */
static int settle(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want, int fd,
		  struct sn_err *err)
{
	uint32_t then = want->inotify->queued_bytes, now = 0;
	bool changed = !have || !same_watches(have, want);
	sn_auto_fd int local = applying_fd(a, fd, err);

	if (local < 0 || (have && changed && correct_watches(a, have, want, fd, err) < 0) ||
	    bytes_waiting(local, &now, err) < 0)
		return -1;
	if (!changed && now == then)
		return 0;
	if (then)
		applying_note(a, "fd %d: inotify: %u bytes of events not yet read are lost", fd,
			      then);
	return drain(local, err);
}

static const struct file_ops ops = {
	.recognise = recognise,
	.same = same,
	.make = make,
	.settle = settle,
	.refuse = refuse,
};

const struct kind kind_inotify = {
	.name = "inotify",
	.level = KIND_FILE,
	.field = 19,
	.take = take,
	.file = &ops,
};
