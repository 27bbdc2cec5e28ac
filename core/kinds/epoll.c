// SPDX-License-Identifier: Apache-2.0
/*
 * What is watched is an open file under a number. When that number is closed but the file
 * lives on under another, the kernel goes on watching, and no system call can make such a
 * state again in a new instance: refused when read.
 */
#include "core/kinds/epoll.h"

#include "core/base/guard.h"
#include "core/kinds/fdinfo.h"
#include "core/task/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

enum {
	BATCH = 512,
	CONDITIONS = 0x0fffffff & ~(EPOLLERR | EPOLLHUP), /* the rest says how to report */
};

static bool recognise(const struct file_probe *probe)
{
	return strcmp(probe->link, "anon_inode:[eventpoll]") == 0;
}

/* ---- reading ---- */

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	const char *at = r->probe->fdinfo;
	struct fdinfo_target found;
	Sn__EventPoll *epoll = message;
	int more;

	while ((more = fdinfo_next_target(&at, &found, err)) > 0) {
		Sn__EpollTarget *target = kind_append(epoll, targets, sn__epoll_target);

		target->fd = found.fd;
		target->events = found.events;
		target->data = found.data;
	}
	return more;
}

static int by_fd(const void *a, const void *b)
{
	const Sn__EpollTarget *x = *(Sn__EpollTarget *const *)a, *y = *(Sn__EpollTarget *const *)b;

	return x->fd < y->fd ? -1 : x->fd > y->fd;
}

static const Sn__Descriptor *descriptor_at(const Sn__Task *task, uint32_t fd)
{
	size_t low = 0, high = task->n_descriptors;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (task->descriptors[middle]->fd < fd)
			low = middle + 1;
		else
			high = middle;
	}
	return low < task->n_descriptors && task->descriptors[low]->fd == fd
		       ? task->descriptors[low]
		       : NULL;
}

/* Whether descriptor `fd` is what the instance watches under that number, kcmp(2). */
static int is_watched(struct reading *r, uint32_t fd, struct sn_err *err)
{
	struct kcmp_epoll_slot slot = {(uint32_t)r->probe->fd, fd, 0};
	pid_t pid = r->task->pid;
	long order = syscall(SYS_kcmp, pid, pid, KCMP_EPOLL_TFD, fd, &slot);

	if (order < 0)
		return sn_fail_sys(err, "epoll: compare descriptor %u with what is watched", fd);
	return order == 0;
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	Sn__EventPoll *epoll = message;
	size_t i;

	if (epoll->n_targets)
		qsort(epoll->targets, epoll->n_targets, sizeof(*epoll->targets), by_fd);
	for (i = 0; i < epoll->n_targets; i++) {
		Sn__EpollTarget *target = epoll->targets[i];
		const Sn__Descriptor *fd = descriptor_at(r->task_model, target->fd);
		bool twice = i > 0 && epoll->targets[i - 1]->fd == target->fd;
		int watched = fd && !twice ? 1 : 0;

		if (watched && r->caps->kcmp)
			watched = is_watched(r, target->fd, err);
		if (watched < 0)
			return -1;
		if (!watched)
			return sn_fail(err, "it watches a file as descriptor %u, which was closed "
					    "while the file stayed open as another", target->fd);
		target->file_id = fd->file_id;
	}
	return 0;
}

/* ---- making ---- */

static int make(struct applying *a, const Sn__OpenFile *want, struct sn_err *err)
{
	struct remote_call *call;

	if (applying_run(a, err) < 0)
		return -1;
	call = remote_call(a->remote, "make an epoll instance", SYS_epoll_create1, 0);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	return applying_made(a, want->id, (int)call->result, err);
}

static const Sn__EpollTarget *target_of(const Sn__OpenFile *file, uint32_t fd)
{
	size_t i;

	for (i = 0; file && i < file->epoll->n_targets; i++)
		if (file->epoll->targets[i]->fd == fd)
			return file->epoll->targets[i];
	return NULL;
}

static struct remote_call *control(struct applying *a, int epfd, int op,
				   const Sn__EpollTarget *target)
{
	struct epoll_event event = {.events = target->events, .data.u64 = target->data};

	return remote_try(a->remote, "epoll_ctl", SYS_epoll_ctl, (uint64_t)epfd, (uint64_t)op,
			  target->fd, remote_data(a->remote, &event, sizeof(event)));
}

/*
 * Whether a target that is there already has to be set again. An edge may have been seen since
 * that has not been seen in the wanted state: setting the target again reports it anew if
 * it still holds. One too many is harmless, one too few makes a program wait for ever. A
 * target that fired once and is disarmed has no conditions, and nothing to report.
 */
static bool must_set(const Sn__EpollTarget *have, const Sn__EpollTarget *want)
{
	if (!have || have->events != want->events || have->data != want->data)
		return true;
	return (want->events & (EPOLLET | EPOLLONESHOT)) && (want->events & CONDITIONS);
}

/* Targets [first, first + count) of want: added, or set if they are there. */
static int put_targets(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want,
		       int fd, size_t first, size_t count, struct sn_err *err)
{
	Sn__EpollTarget **targets = want->epoll->targets + first;
	struct remote_call *added[BATCH], *set[BATCH] = {NULL};
	size_t i;

	for (i = 0; i < count; i++)
		added[i] = control(a, fd, EPOLL_CTL_ADD, targets[i]);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	for (i = 0; i < count; i++) {
		if (added[i]->result != -EEXIST ||
		    !must_set(target_of(have, targets[i]->fd), targets[i]))
			continue;
		if (targets[i]->events & EPOLLEXCLUSIVE) { /* these cannot be modified */
			control(a, fd, EPOLL_CTL_DEL, targets[i]);
			set[i] = control(a, fd, EPOLL_CTL_ADD, targets[i]);
		} else {
			set[i] = control(a, fd, EPOLL_CTL_MOD, targets[i]);
		}
	}
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	for (i = 0; i < count; i++) {
		int64_t result = set[i] ? set[i]->result : added[i]->result;

		if (result < 0 && (set[i] || result != -EEXIST))
			return sn_fail_code(err, (int)result, "fd %d: epoll: watch descriptor %u",
					    fd, targets[i]->fd);
	}
	return applying_run(a, err);
}

/* A target that is gone from the task has gone from here by itself. */
static int drop_targets(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want,
			int fd, struct sn_err *err)
{
	size_t i;

	for (i = 0; have && i < have->epoll->n_targets; i++) {
		if (target_of(want, have->epoll->targets[i]->fd))
			continue;
		if (!remote_fits(a->remote, 1, sizeof(struct epoll_event)) &&
		    applying_run(a, err) < 0)
			return -1;
		control(a, fd, EPOLL_CTL_DEL, have->epoll->targets[i]);
	}
	return applying_run(a, err);
}

static int put_all(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want, int fd,
		   struct sn_err *err)
{
	size_t first, count;

	for (first = 0; first < want->epoll->n_targets; first += count) {
		count = want->epoll->n_targets - first;
		if (count > BATCH)
			count = BATCH;
		if (put_targets(a, have, want, fd, first, count, err) < 0)
			return -1;
	}
	return 0;
}

static int count_targets(struct applying *a, int fd, size_t *count, struct sn_err *err)
{
	char name[32];
	sn_auto_free char *fdinfo = NULL;
	struct fdinfo_target found;
	const char *at;
	int more;

	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	fdinfo = proc_read(a->task->pid, name, NULL, err);
	if (!fdinfo)
		return -1;
	at = fdinfo;
	for (*count = 0; (more = fdinfo_next_target(&at, &found, err)) > 0; ++*count)
		;
	return more;
}

/* A new instance at all numbers of the old one. */
static int replace(struct applying *a, const Sn__OpenFile *want, struct sn_err *err)
{
	struct remote_call *made = remote_call(a->remote, "make an epoll instance",
					       SYS_epoll_create1, 0);
	size_t i;
	int fd;

	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	fd = (int)made->result;
	if (put_all(a, NULL, want, fd, err) < 0)
		return -1;
	for (i = 0; i < a->want_task->n_descriptors; i++) {
		const Sn__Descriptor *at = a->want_task->descriptors[i];

		if (at->file_id == want->id)
			remote_call(a->remote, "put an epoll instance in its place", SYS_dup3,
				    (uint64_t)fd, at->fd, at->cloexec ? O_CLOEXEC : 0);
	}
	remote_call(a->remote, "set file status flags", SYS_fcntl, (uint64_t)fd, F_SETFL,
		    want->flags);
	remote_call(a->remote, "close", SYS_close, (uint64_t)fd);
	return applying_run(a, err);
}

static int link_targets(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want,
			int fd, struct sn_err *err)
{
	size_t count;

	if (drop_targets(a, have, want, fd, err) < 0 || put_all(a, have, want, fd, err) < 0)
		return -1;
	if (!have)
		return 0;
	if (count_targets(a, fd, &count, err) < 0)
		return -1;
	/* a file that was moved to another number since is still watched under the old one */
	return count == want->epoll->n_targets ? 0 : replace(a, want, err);
}

static const struct file_ops ops = {
	.recognise = recognise,
	.make = make,
	.link = link_targets,
};

const struct kind kind_epoll = {
	.name = "epoll",
	.level = KIND_FILE,
	.field = 16,
	.ask = ask,
	.take = take,
	.file = &ops,
};
