// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/memfd.h"

#include "core/kinds/object.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool recognise(const struct file_probe *probe)
{
	return strncmp(probe->link, "/memfd:", 7) == 0;
}

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	Sn__MemFd *memfd = message;
	Sn__MemoryObject *object;
	int fd = reading_fd(r, err), seals;
	bool added;

	if (fd < 0)
		return -1;
	object = reading_object(r, r->probe->stat.st_dev, r->probe->stat.st_ino, &added);
	object_from_stat(object, r->probe->link, &r->probe->stat);
	seals = fcntl(fd, F_GET_SEALS);
	object->seals = seals < 0 ? 0 : (uint32_t)seals;
	memfd->object_id = object->id;
	memfd->pos_bytes = r->probe->pos_bytes;
	return 0;
}

static bool same(const Sn__OpenFile *have, const Sn__OpenFile *want)
{
	return have->dev == want->dev && have->ino == want->ino &&
	       (have->flags & O_ACCMODE) == (want->flags & O_ACCMODE);
}

/* A description of its own with its own offset: the object's descriptor opened again. */
static int make(struct applying *a, const Sn__OpenFile *want, struct sn_err *err)
{
	int fd = applying_object_fd(a, want->memfd->object_id, err);
	struct remote_call *opened;
	char path[64];
	int result;

	if (fd < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	opened = remote_call(a->remote, "open a memfd", SYS_openat, (uint64_t)AT_FDCWD,
			     remote_text(a->remote, path), want->flags);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	result = (int)opened->result;
	remote_begin(a->remote);
	return applying_made(a, want->id, result, err);
}

static int settle(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want, int fd,
		  struct sn_err *err)
{
	(void)have;
	(void)err;
	remote_call(a->remote, "set a file offset", SYS_lseek, (uint64_t)fd,
		    want->memfd->pos_bytes, SEEK_SET);
	return 0;
}

static const struct file_ops ops = {
	.recognise = recognise,
	.same = same,
	.make = make,
	.settle = settle,
};

const struct kind kind_memfd = {
	.name = "memfd",
	.level = KIND_FILE,
	.field = 14,
	.ask = ask,
	.file = &ops,
};
