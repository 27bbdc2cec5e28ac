// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/kind.h"

#include "core/base/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int take_fd(const struct task *task, int fd, struct sn_err *err)
{
	int local = (int)syscall(SYS_pidfd_getfd, task->pidfd, fd, 0);

	if (local < 0)
		return sn_fail_sys(err, "duplicate fd %d of process %d", fd, task->pid);
	return local;
}

int reading_fd(struct reading *r, struct sn_err *err)
{
	if (r->local_fd < 0)
		r->local_fd = take_fd(r->task, r->probe->fd, err);
	return r->local_fd;
}

Sn__MemoryObject *reading_object(struct reading *r, uint64_t dev, uint64_t ino, bool *added)
{
	Sn__Image *image = r->image;
	Sn__MemoryObject *object;
	size_t i;

	*added = false;
	for (i = 0; i < image->n_objects; i++)
		if (image->objects[i]->dev == dev && image->objects[i]->ino == ino)
			return image->objects[i];
	object = kind_append(image, objects, sn__memory_object);
	object->id = (uint32_t)image->n_objects; /* from 1: space 0 is the task's own */
	object->dev = dev;
	object->ino = ino;
	*added = true;
	return object;
}

int applying_run(struct applying *a, struct sn_err *err)
{
	int result = remote_run(a->remote, a->thread->tid, err);

	remote_begin(a->remote);
	return result;
}

int applying_fd(struct applying *a, int fd, struct sn_err *err)
{
	return take_fd(a->task, fd, err);
}

/* The first number above all that either model uses. */
static uint32_t park_base(const struct applying *a)
{
	const Sn__Task *h = a->have_task, *w = a->want_task;
	uint32_t base = 0;

	if (h->n_descriptors)
		base = h->descriptors[h->n_descriptors - 1]->fd + 1;
	if (w->n_descriptors && w->descriptors[w->n_descriptors - 1]->fd + 1 > base)
		base = w->descriptors[w->n_descriptors - 1]->fd + 1;
	return base;
}

static int duplicate_high(struct applying *a, int fd, bool move, struct sn_err *err)
{
	struct remote_call *duplicate;
	int high;

	remote_begin(a->remote);
	duplicate = remote_call(a->remote, "move a descriptor out of the way", SYS_fcntl,
				(uint64_t)fd, F_DUPFD_CLOEXEC, park_base(a));
	if (move)
		remote_call(a->remote, "close", SYS_close, (uint64_t)fd);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	high = (int)duplicate->result;
	remote_begin(a->remote);
	return high;
}

int applying_duplicate(struct applying *a, int fd, struct sn_err *err)
{
	return duplicate_high(a, fd, false, err);
}

int applying_park(struct applying *a, int fd, struct sn_err *err)
{
	return duplicate_high(a, fd, true, err);
}

void applying_note(struct applying *a, const char *fmt, ...)
{
	sn_auto_free char *line = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		abort();
	va_end(ap);
	if (a->note)
		a->note(a->note_arg, line);
}

void kind_set_string(char **field, const char *text)
{
	if (*field != protobuf_c_empty_string)
		free(*field);
	*field = sn_strdup(text);
}

void kind_set_bytes(ProtobufCBinaryData *field, const void *bytes, size_t len)
{
	free(field->data);
	field->data = sn_malloc(len);
	field->len = len;
	memcpy(field->data, bytes, len);
}
