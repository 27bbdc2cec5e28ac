// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/pipe_data.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

bool pipe_other_end(int fd, uint32_t flags)
{
	struct pollfd end = {.fd = fd, .events = POLLIN | POLLOUT};

	if (pipe_readable(flags) && pipe_writable(flags))
		return true;
	return poll(&end, 1, 0) < 0 ||
	       !(end.revents & (pipe_readable(flags) ? POLLHUP : POLLERR));
}

int pipe_data_size(int fd, uint32_t *size_bytes, struct sn_err *err)
{
	int size = fcntl(fd, F_GETPIPE_SZ);

	if (size < 0)
		return sn_fail_sys(err, "size of a pipe");
	*size_bytes = (uint32_t)size;
	return 0;
}

/* A pipe of ours that has room for as many buffers as the one to be copied. */
static int make_scratch(int scratch[2], uint32_t size_bytes, struct sn_err *err)
{
	if (pipe2(scratch, O_CLOEXEC | O_NONBLOCK) < 0)
		return sn_fail_sys(err, "make a pipe");
	if (fcntl(scratch[0], F_GETPIPE_SZ) < (int)size_bytes &&
	    fcntl(scratch[1], F_SETPIPE_SZ, size_bytes) < 0)
		return sn_fail_sys(err, "make a pipe of %u bytes", size_bytes);
	return 0;
}

static int read_packets(int fd, struct pipe_data *out, struct sn_err *err)
{
	size_t got = 0;

	while (got < out->data.len) {
		ssize_t n = read(fd, out->data.data + got, out->data.len - got);

		if (n <= 0)
			return sn_fail(err, "copied %zu of %zu bytes in a pipe", got,
				       out->data.len);
		out->packet_bytes = sn_realloc(out->packet_bytes, out->n_packet_bytes + 1,
					       sizeof(*out->packet_bytes));
		out->packet_bytes[out->n_packet_bytes++] = (uint32_t)n;
		got += (size_t)n;
	}
	return 0;
}

int pipe_data_copy(int fd, struct pipe_data *out, struct sn_err *err)
{
	int queued;

	*out = (struct pipe_data){0};
	if (pipe_data_size(fd, &out->size_bytes, err) < 0)
		return -1;
	if (ioctl(fd, FIONREAD, &queued) < 0)
		return sn_fail_sys(err, "bytes in a pipe");
	if (queued == 0)
		return 0;

	int scratch[2] = {-1, -1};
	int made = make_scratch(scratch, out->size_bytes, err);
	sn_auto_fd int reader = scratch[0];
	sn_auto_fd int writer = scratch[1];
	ssize_t n = made < 0 ? -1 : tee(fd, writer, (size_t)queued, SPLICE_F_NONBLOCK);

	if (made < 0)
		return -1;
	if (n < 0)
		return sn_fail_sys(err, "copy what is in a pipe");
	out->data.len = (size_t)queued;
	out->data.data = sn_malloc(out->data.len);
	if (read_packets(reader, out, err) == 0)
		return 0;
	free(out->data.data);
	free(out->packet_bytes);
	*out = (struct pipe_data){0};
	return -1;
}

/* A description of our own of the pipe that `fd` is an end of. */
static int open_end(int fd, int flags, struct sn_err *err)
{
	char path[40];
	int end;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	end = open(path, flags | O_NONBLOCK | O_CLOEXEC);
	if (end < 0)
		return sn_fail_sys(err, "open a pipe's %s end",
				   flags == O_RDONLY ? "reading" : "writing");
	return end;
}

static void drain(int fd)
{
	char buf[4096];

	while (read(fd, buf, sizeof(buf)) > 0)
		;
}

static int write_piece(int fd, const uint8_t *bytes, size_t len, struct sn_err *err)
{
	ssize_t n = write(fd, bytes, len);

	if (n < 0)
		return sn_fail_sys(err, "write %zu bytes into a pipe", len);
	if ((size_t)n != len)
		return sn_fail(err, "only %zd of %zu bytes fit into a pipe", n, len);
	return 0;
}

static int write_all(int fd, const struct pipe_data *want, struct sn_err *err)
{
	size_t at = 0, i;

	if (want->n_packet_bytes == 0)
		return write_piece(fd, want->data.data, want->data.len, err);
	if (fcntl(fd, F_SETFL, O_NONBLOCK | O_DIRECT) < 0)
		return sn_fail_sys(err, "write packets into a pipe");
	for (i = 0; i < want->n_packet_bytes; i++) {
		size_t len = want->packet_bytes[i];

		if (len > want->data.len - at)
			return sn_fail(err, "packets of a pipe are longer than its data");
		if (write_piece(fd, want->data.data + at, len, err) < 0)
			return -1;
		at += len;
	}
	return 0;
}

int pipe_data_put(int fd, const struct pipe_data *want, struct sn_err *err)
{
	/* held till the end: with a reader there is no SIGPIPE */
	sn_auto_fd int reader = open_end(fd, O_RDONLY, err);
	sn_auto_fd int writer = -1;

	if (reader < 0)
		return -1;
	drain(reader);
	if (want->size_bytes && fcntl(reader, F_GETPIPE_SZ) != (int)want->size_bytes &&
	    fcntl(reader, F_SETPIPE_SZ, want->size_bytes) < 0)
		return sn_fail_sys(err, "give a pipe %u bytes", want->size_bytes);
	if (want->data.len == 0)
		return 0;
	writer = open_end(fd, O_WRONLY, err);
	if (writer < 0)
		return -1;
	return write_all(writer, want, err);
}
