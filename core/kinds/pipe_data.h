/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits in a pipe or FIFO, seen through a descriptor of our own.
 *
 * Copying consumes nothing: tee(2) into a pipe of ours. Replacing opens further
 * descriptions of the pipe for a moment, so no flag of the application's is touched and no call
 * of ours can wait.
 */
#ifndef CORE_KINDS_PIPE_DATA_H
#define CORE_KINDS_PIPE_DATA_H

#include "core/base/err.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pipe_data {
	uint32_t size_bytes; /* of the pipe, F_GETPIPE_SZ */
	ProtobufCBinaryData data;
	uint32_t *packet_bytes; /* lengths of the single writes kept apart (O_DIRECT) */
	size_t n_packet_bytes;
};

static inline bool pipe_readable(uint32_t flags)
{
	return (flags & 3) != 1; /* O_ACCMODE, O_WRONLY */
}

static inline bool pipe_writable(uint32_t flags)
{
	return (flags & 3) != 0; /* O_RDONLY */
}

/* Copies what is queued; fd may be read from. data and packet_bytes are malloc'd. */
int pipe_data_copy(int fd, struct pipe_data *out, struct sn_err *err);

/* Size of the pipe; any end will do. */
int pipe_data_size(int fd, uint32_t *size_bytes, struct sn_err *err);

/* Throws away what is queued, sets the size, and queues `want`; fd is any end. */
int pipe_data_put(int fd, const struct pipe_data *want, struct sn_err *err);

/* Whether anybody holds the end that `fd`, opened with these flags, does not have. */
bool pipe_other_end(int fd, uint32_t flags);

#endif
