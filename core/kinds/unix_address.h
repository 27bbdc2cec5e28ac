/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving a unix socket of the target its address back: unix(7).
 *
 * An address that is a path has a file, which outlives its socket. On the way back such
 * a file is stale if nobody answers there; then it is replaced, and the new one gets the mode
 * and owner of the old. A path that is not absolute is meant from the working directory of
 * the wanted model, which the target does not have yet.
 */
#ifndef CORE_KINDS_UNIX_ADDRESS_H
#define CORE_KINDS_UNIX_ADDRESS_H

#include "core/kinds/kind.h"

/* Whether an address is a path: not empty, not abstract. */
bool unix_address_is_path(const ProtobufCBinaryData *address);

/* struct sockaddr_un as bind(2) and connect(2) want it: its length. */
size_t unix_address_make(const ProtobufCBinaryData *address, void *sockaddr_un);

/* Queues a stat(2) of the address's file into `room` of the target, in whose eyes a path is
 * what it is. It may fail. */
struct remote_call *unix_address_stat(struct remote *remote, const ProtobufCBinaryData *address,
				      uint64_t room);

/*
 * Around calls with such an address, within one batch: the target is in the directory that a
 * relative path is meant from, and where it was again afterwards. Queues.
 */
struct unix_visit {
	const struct remote_call *before; /* NULL: nothing to leave */
};
void unix_address_enter(struct applying *a, const ProtobufCBinaryData *address,
			struct unix_visit *visit);
void unix_address_leave(struct applying *a, const struct unix_visit *visit);

/* Binds descriptor `fd` of the target to socket->address. Runs. */
int unix_address_bind(struct applying *a, int fd, const Sn__UnixSocket *socket,
		      struct sn_err *err);

/* Corrects mode and owner of the socket's file, as far as we may. Queues. */
void unix_address_put_mode(struct applying *a, const Sn__UnixSocket *socket);

#endif
