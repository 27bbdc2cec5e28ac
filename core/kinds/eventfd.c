// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/eventfd.h"

#include "core/base/guard.h"
#include "core/task/proc.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum { MAX_SINGLE_READS = 1 << 16 }; /* a semaphore comes down by one with each */

static bool recognise(const struct file_probe *probe)
{
	return strcmp(probe->link, "anon_inode:[eventfd]") == 0;
}

/*
 * Never waits, whatever the description's flags: should another process have taken the
 * count in this moment we must not hang.
 */
static int take_count(int fd, uint64_t *count, struct sn_err *err)
{
	struct iovec iov = {count, sizeof(*count)};

	if (preadv2(fd, &iov, 1, -1, RWF_NOWAIT) != sizeof(*count))
		return sn_fail_sys(err, "read an eventfd");
	return 0;
}

static int add_count(int fd, uint64_t count, struct sn_err *err)
{
	if (count && write(fd, &count, sizeof(count)) != sizeof(count))
		return sn_fail_sys(err, "write an eventfd");
	return 0;
}

/*
 * Kernels before 6.5 do not tell a semaphore from a counter; a read does, for both
 * with a count of two or more. The count is put back.
 */
static int try_semaphore(struct reading *r, Sn__EventFd *eventfd, struct sn_err *err)
{
	int fd = reading_fd(r, err);
	uint64_t taken;

	if (fd < 0 || (eventfd->count < 2 && add_count(fd, 2, err) < 0) ||
	    take_count(fd, &taken, err) < 0)
		return -1;
	eventfd->semaphore = taken == 1;
	if (!eventfd->semaphore)
		return add_count(fd, eventfd->count, err);
	if (eventfd->count >= 2)
		return add_count(fd, 1, err);
	return take_count(fd, &taken, err); /* one of the two is gone already */
}

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	Sn__EventFd *eventfd = message;
	uint64_t semaphore;

	if (!proc_field(r->probe->fdinfo, "eventfd-count", 16, &eventfd->count))
		return sn_fail(err, "eventfd: the kernel does not tell its count");
	if (!proc_field(r->probe->fdinfo, "eventfd-semaphore", 10, &semaphore))
		return try_semaphore(r, eventfd, err);
	eventfd->semaphore = semaphore;
	return 0;
}

static bool same(const Sn__OpenFile *have, const Sn__OpenFile *want)
{
	if (have->eventfd->semaphore != want->eventfd->semaphore)
		return false;
	return !have->eventfd->semaphore || have->eventfd->count <= want->eventfd->count ||
	       have->eventfd->count - want->eventfd->count <= MAX_SINGLE_READS;
}

static int make(struct applying *a, const Sn__OpenFile *want, struct sn_err *err)
{
	struct remote_call *call;

	if (applying_run(a, err) < 0)
		return -1;
	call = remote_call(a->remote, "make an eventfd", SYS_eventfd2, 0,
			   want->eventfd->semaphore ? EFD_SEMAPHORE : 0);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	return applying_made(a, want->id, (int)call->result, err);
}

static int settle(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want, int fd,
		  struct sn_err *err)
{
	uint64_t count = have ? have->eventfd->count : 0, taken;
	sn_auto_fd int local = -1;

	if (count == want->eventfd->count)
		return 0;
	local = applying_fd(a, fd, err);
	if (local < 0)
		return -1;
	while (count > want->eventfd->count) {
		if (take_count(local, &taken, err) < 0)
			return -1;
		count = want->eventfd->semaphore ? count - 1 : 0;
	}
	return add_count(local, want->eventfd->count - count, err);
}

static const struct file_ops ops = {
	.recognise = recognise,
	.same = same,
	.make = make,
	.settle = settle,
};

const struct kind kind_eventfd = {
	.name = "eventfd",
	.level = KIND_FILE,
	.field = 15,
	.ask = ask,
	.file = &ops,
};
