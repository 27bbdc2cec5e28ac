/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files with a name, for the kinds whose descriptions are made by opening one: regular
 * files, FIFOs, devices.
 */
#ifndef CORE_KINDS_NAMED_H
#define CORE_KINDS_NAMED_H

#include "core/kinds/kind.h"

/* The path of a descriptor's link, without the kernel's " (deleted)"; malloc'd. */
char *named_path(const struct file_probe *probe);

/* Without the time of its birth. */
Sn__FileId *named_id(const struct stat *stat);
/* That of an open file of the target; with when it was made, where the file system tells. */
Sn__FileId *named_id_of(const struct reading *r);

/* Whether both are one file: its inode, not one that got the number of a file since deleted.
 * Sizes and times of change do not matter. */
bool named_same_birth(const Sn__FileId *a, const Sn__FileId *b);

/*
 * Why `path` cannot be opened again as the file it was, NULL when it can: gone, or another
 * file by now. Its size and times may have changed: contents of files with a name are not
 * part of a snapshot.
 */
const char *named_refuse(const char *path, const Sn__FileId *id);

/* Opens in the target as the file was open, without what only its first opening was to do:
 * creating, truncating, becoming a controlling terminal. Runs. */
int named_open(struct applying *a, const char *path, uint32_t flags, int *fd,
	       struct sn_err *err);

/* Opens a further description of what descriptor `fd` of the target refers to. Runs. */
int named_reopen(struct applying *a, int fd, uint32_t flags, int *reopened,
		 struct sn_err *err);

/* Refuses locks on a file whose kind does not keep them. */
int named_no_locks(const struct file_probe *probe, struct sn_err *err);

#endif
