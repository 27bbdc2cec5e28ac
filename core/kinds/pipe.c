// SPDX-License-Identifier: Apache-2.0
/*
 * One pipe has two or more descriptions in the image, with the same pipe_id. What is queued
 * is with the first of them that can be read from: its holder. A pipe whose other end nobody
 * in the tree holds, but somebody does, is external: its data belong to both sides.
 */
#include "core/kinds/pipe.h"

#include "core/base/guard.h"
#include "core/kinds/named.h"
#include "core/kinds/pipe_data.h"

#include <fcntl.h>
#include <sys/syscall.h>

static bool recognise(const struct file_probe *probe)
{
	return S_ISFIFO(probe->stat.st_mode) && !(probe->flags & O_PATH) &&
	       strncmp(probe->link, "pipe:", 5) == 0;
}

static const Sn__Pipe *of_pipe(const Sn__OpenFile *file, uint64_t pipe_id)
{
	return file->object_case == SN__OPEN_FILE__OBJECT_PIPE && file->pipe->pipe_id == pipe_id
		       ? file->pipe
		       : NULL;
}

static const Sn__OpenFile *holder(const Sn__Image *image, uint64_t pipe_id)
{
	size_t i;

	for (i = 0; image && i < image->n_files; i++)
		if (of_pipe(image->files[i], pipe_id) && pipe_readable(image->files[i]->flags))
			return image->files[i];
	return NULL;
}

static struct pipe_data data_of(const Sn__Pipe *pipe)
{
	return (struct pipe_data){
		.size_bytes = pipe->size_bytes,
		.data = pipe->data,
		.packet_bytes = pipe->packets ? pipe->packet_bytes : NULL,
		.n_packet_bytes = pipe->packets ? pipe->n_packet_bytes : 0,
	};
}

static int read_data(int fd, uint32_t flags, Sn__Pipe *pipe, struct sn_err *err)
{
	struct pipe_data data;

	if (pipe_data_copy(fd, &data, err) < 0)
		return -1;
	pipe->data = data.data;
	pipe->packets = (flags & O_DIRECT) || data.n_packet_bytes > 1;
	if (pipe->packets) {
		pipe->packet_bytes = data.packet_bytes;
		pipe->n_packet_bytes = data.n_packet_bytes;
	} else {
		free(data.packet_bytes);
	}
	return 0;
}

/* Ends are made in pairs: the other one is most likely among the last that were read. */
static void find_other_end(struct reading *r, Sn__Pipe *pipe, bool alive)
{
	bool both = pipe_readable(r->file->flags) && pipe_writable(r->file->flags);
	size_t i;

	pipe->external = alive && !both;
	for (i = r->image->n_files; i-- > 0;) {
		Sn__OpenFile *file = r->image->files[i];

		if (file == r->file || !of_pipe(file, pipe->pipe_id))
			continue;
		if (both || pipe_readable(file->flags) != pipe_readable(r->file->flags) ||
		    pipe_writable(file->flags) != pipe_writable(r->file->flags))
			file->pipe->external = pipe->external = false;
		else
			pipe->external = file->pipe->external; /* found out before */
		if (!both)
			break;
	}
}

static int take(struct reading *r, void *message, struct sn_err *err)
{
	uint32_t flags = r->file->flags;
	const Sn__OpenFile *first;
	Sn__Pipe *pipe = message;
	int fd = reading_fd(r, err);

	if (fd < 0 || named_no_locks(r->probe, err) < 0)
		return -1;
	pipe->pipe_id = r->probe->stat.st_ino;
	pipe->packets = flags & O_DIRECT;
	if (pipe_data_size(fd, &pipe->size_bytes, err) < 0)
		return -1;
	find_other_end(r, pipe, pipe_other_end(fd, flags));
	first = holder(r->image, pipe->pipe_id);
	if (pipe_readable(flags) && (!first || first == r->file))
		return read_data(fd, flags, pipe, err);
	return 0;
}

static bool same(const Sn__OpenFile *have, const Sn__OpenFile *want)
{
	return have->pipe->pipe_id == want->pipe->pipe_id &&
	       (have->flags & O_ACCMODE) == (want->flags & O_ACCMODE);
}

static uint64_t group(const Sn__OpenFile *file)
{
	return file->pipe->pipe_id;
}

static const char *refuse(const Sn__Image *want, const Sn__OpenFile *file)
{
	(void)want;
	return file->pipe->external ? "the pipe's other end is held by another process" : NULL;
}

static int make_ends(struct applying *a, const Sn__OpenFile *want, int ends[2],
		     struct sn_err *err)
{
	const Sn__OpenFile *first = holder(a->want, want->pipe->pipe_id);
	struct pipe_data data = data_of(first ? first->pipe : want->pipe);
	sn_auto_fd int local = -1;
	uint64_t addr;
	int *room;

	if (applying_run(a, err) < 0)
		return -1;
	room = remote_room(a->remote, 2 * sizeof(*room), &addr);
	remote_call(a->remote, "make a pipe", SYS_pipe2, addr,
		    want->flags & (O_NONBLOCK | O_DIRECT));
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	ends[0] = room[0];
	ends[1] = room[1];
	local = applying_fd(a, ends[0], err);
	if (local < 0)
		return -1;
	return pipe_data_put(local, &data, err);
}

/*
 * Reports the descriptions of the pipe that are one of its two ends (first), or those
 * beside them, opened from an end (not first: to be done while the ends are at hand).
 */
static int hand_out(struct applying *a, uint64_t pipe_id, const int ends[2], bool given[2],
		    bool first, struct sn_err *err)
{
	size_t i;

	given[0] = given[1] = false;
	for (i = 0; i < a->want->n_files; i++) {
		const Sn__OpenFile *file = a->want->files[i];
		int access = file->flags & O_ACCMODE, fd;
		bool is_end = access != O_RDWR && !given[access];

		if (!of_pipe(file, pipe_id))
			continue;
		if (is_end)
			given[access] = true;
		if (is_end != first)
			continue;
		if (is_end)
			fd = ends[access];
		else if (named_reopen(a, ends[0], file->flags, &fd, err) < 0)
			return -1;
		if (applying_made(a, file->id, fd, err) < 0)
			return -1;
	}
	return 0;
}

/* An end that no description is, is closed when the data are in. */
static int make(struct applying *a, const Sn__OpenFile *want, struct sn_err *err)
{
	uint64_t pipe_id = want->pipe->pipe_id;
	bool given[2];
	int ends[2], end;

	if (make_ends(a, want, ends, err) < 0 ||
	    hand_out(a, pipe_id, ends, given, false, err) < 0)
		return -1;
	for (end = 0; end < 2; end++)
		if (!given[end])
			remote_call(a->remote, "close a pipe's end", SYS_close,
				    (uint64_t)ends[end]);
	if (applying_run(a, err) < 0)
		return -1;
	return hand_out(a, pipe_id, ends, given, true, err);
}

static bool same_data(const Sn__Pipe *a, const Sn__Pipe *b)
{
	return a->size_bytes == b->size_bytes && a->data.len == b->data.len &&
	       a->packets == b->packets && a->n_packet_bytes == b->n_packet_bytes &&
	       (!a->data.len || memcmp(a->data.data, b->data.data, a->data.len) == 0) &&
	       (!a->n_packet_bytes ||
		memcmp(a->packet_bytes, b->packet_bytes,
		       a->n_packet_bytes * sizeof(*a->packet_bytes)) == 0);
}

/* Of a living pipe; a new one was filled when it was made. */
static int settle(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want, int fd,
		  struct sn_err *err)
{
	const Sn__OpenFile *now = have ? holder(a->have, have->pipe->pipe_id) : NULL;
	struct pipe_data data = data_of(want->pipe);
	sn_auto_fd int local = -1;

	if (!now || holder(a->want, want->pipe->pipe_id) != want ||
	    same_data(now->pipe, want->pipe))
		return 0;
	if (want->pipe->external || have->pipe->external) {
		applying_note(a, "fd %d: pipe: what waits in it is left as it is, "
				 "for the other end is held by another process", fd);
		return 0;
	}
	local = applying_fd(a, fd, err);
	if (local < 0)
		return -1;
	return pipe_data_put(local, &data, err);
}

static const struct file_ops ops = {
	.recognise = recognise,
	.same = same,
	.group = group,
	.make = make,
	.settle = settle,
	.refuse = refuse,
};

const struct kind kind_pipe = {
	.name = "pipe",
	.level = KIND_FILE,
	.field = 11,
	.take = take,
	.file = &ops,
};
