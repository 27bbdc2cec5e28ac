// SPDX-License-Identifier: Apache-2.0
/*
 * Like a pipe, but made by opening its name, which waits for the other side or fails without
 * one: so a description that is both sides is there while the wanted one is opened. What is
 * queued is with the first description that can be read from.
 */
#include "core/kinds/fifo.h"

#include "core/base/guard.h"
#include "core/kinds/named.h"
#include "core/kinds/pipe_data.h"

#include <fcntl.h>
#include <sys/syscall.h>

static bool recognise(const struct file_probe *probe)
{
	return S_ISFIFO(probe->stat.st_mode) && !(probe->flags & O_PATH) && probe->link[0] == '/';
}

static bool is_fifo(const Sn__OpenFile *file, uint64_t dev, uint64_t ino)
{
	return file->object_case == SN__OPEN_FILE__OBJECT_FIFO && file->dev == dev &&
	       file->ino == ino;
}

static const Sn__OpenFile *holder(const Sn__Image *image, const Sn__OpenFile *of)
{
	size_t i;

	for (i = 0; image && i < image->n_files; i++)
		if (is_fifo(image->files[i], of->dev, of->ino) &&
		    pipe_readable(image->files[i]->flags))
			return image->files[i];
	return NULL;
}

static bool has_other_end(const Sn__Image *image, const Sn__OpenFile *of)
{
	size_t i;

	for (i = 0; image && i < image->n_files; i++)
		if (is_fifo(image->files[i], of->dev, of->ino) &&
		    pipe_writable(image->files[i]->flags))
			return true;
	return false;
}

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	sn_auto_free char *path = named_path(r->probe);
	Sn__Fifo *fifo = message;

	(void)err;
	kind_set_string(&fifo->path, path);
	fifo->pipe_id = r->probe->stat.st_ino;
	fifo->file = named_id_of(r);
	return named_no_locks(r->probe, err);
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	const Sn__OpenFile *first = holder(r->image, r->file);
	Sn__Fifo *fifo = message;
	struct pipe_data data;
	int fd = reading_fd(r, err);

	if (fd < 0)
		return -1;
	if (!pipe_readable(r->file->flags) || (first && first != r->file))
		return pipe_data_size(fd, &fifo->size_bytes, err);
	if (pipe_data_copy(fd, &data, err) < 0)
		return -1;
	fifo->size_bytes = data.size_bytes;
	fifo->data = data.data;
	free(data.packet_bytes);
	if (data.n_packet_bytes > 1)
		return sn_fail(err, "%s: packets in a FIFO cannot be captured", fifo->path);
	return 0;
}

static bool same(const Sn__OpenFile *have, const Sn__OpenFile *want)
{
	return have->dev == want->dev && have->ino == want->ino &&
	       named_same_birth(have->fifo->file, want->fifo->file) &&
	       (have->flags & O_ACCMODE) == (want->flags & O_ACCMODE);
}

static const char *refuse(const Sn__Image *want, const Sn__OpenFile *file)
{
	(void)want;
	return named_refuse(file->fifo->path, file->fifo->file);
}

static int put(struct applying *a, const Sn__OpenFile *want, int fd, struct sn_err *err)
{
	struct pipe_data data = {
		.size_bytes = want->fifo->size_bytes,
		.data = want->fifo->data,
	};
	sn_auto_fd int local = applying_fd(a, fd, err);

	if (local < 0)
		return -1;
	return pipe_data_put(local, &data, err);
}

static int make(struct applying *a, const Sn__OpenFile *want, struct sn_err *err)
{
	const char *path = want->fifo->path;
	int both, fd;

	if (named_open(a, path, O_RDWR | O_NONBLOCK, &both, err) < 0 ||
	    named_open(a, path, want->flags | O_NONBLOCK, &fd, err) < 0)
		return -1;
	if (holder(a->want, want) == want && put(a, want, fd, err) < 0)
		return -1;
	remote_call(a->remote, "close a FIFO", SYS_close, (uint64_t)both);
	if (applying_run(a, err) < 0)
		return -1;
	return applying_made(a, want->id, fd, err);
}

/* Of a living FIFO; a new one was filled when it was made. */
static int settle(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want, int fd,
		  struct sn_err *err)
{
	const Sn__OpenFile *now = have ? holder(a->have, have) : NULL;
	sn_auto_fd int local = -1;

	if (!now || holder(a->want, want) != want ||
	    (now->fifo->size_bytes == want->fifo->size_bytes &&
	     now->fifo->data.len == want->fifo->data.len &&
	     (!want->fifo->data.len ||
	      memcmp(now->fifo->data.data, want->fifo->data.data, want->fifo->data.len) == 0)))
		return 0;
	local = applying_fd(a, fd, err);
	if (local < 0)
		return -1;
	if (!has_other_end(a->have, have) && pipe_other_end(local, have->flags)) {
		applying_note(a, "fd %d: %s: what waits in it is left as it is, "
				 "for the other end is held by another process",
			      fd, want->fifo->path);
		return 0;
	}
	return put(a, want, fd, err);
}

static const struct file_ops ops = {
	.recognise = recognise,
	.same = same,
	.make = make,
	.settle = settle,
	.refuse = refuse,
};

const struct kind kind_fifo = {
	.name = "FIFO",
	.level = KIND_FILE,
	.field = 12,
	.ask = ask,
	.take = take,
	.file = &ops,
};
