/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks on files: flock(2), those of a process and those of an open file description
 * (F_SETLK, F_OFD_SETLK of fcntl(2)).
 */
#ifndef CORE_KINDS_LOCKS_H
#define CORE_KINDS_LOCKS_H

#include "core/kinds/kind.h"

/* Reads the locks that fdinfo names. Refuses leases. */
int locks_read(const struct file_probe *probe, Sn__RegularFile *regular, struct sn_err *err);

/*
 * Queues the calls that release what `want` does not have on descriptor `fd`: of all files
 * before any lock is taken, for two descriptions of a file may stand in each other's way.
 */
int locks_release(struct applying *a, const Sn__RegularFile *have, const Sn__RegularFile *want,
		  int fd, struct sn_err *err);

/*
 * Queues the calls that take the locks of `want`. To be run when every descriptor is in its
 * place: closing any descriptor of a file drops the process's locks on it, therefore they are
 * taken again even where they seem to be held.
 */
int locks_take(struct applying *a, const Sn__RegularFile *want, int fd, struct sn_err *err);

#endif
