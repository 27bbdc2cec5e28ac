/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path of a watched file. The kernel tells an inotify watch's inode and a handle of it,
 * no path. open_by_handle_at(2) finds one, for who has CAP_DAC_READ_SEARCH; else it is looked
 * for among what the process itself has at hand: its working directory, its root, its open
 * files, and the directories above them.
 *
 * Called while the task is frozen: a few microseconds a watch. Nothing that inotify
 * reports is done to a watched file or directory, so none is ever opened or listed: what is
 * opened by its handle is opened with O_PATH, which nobody hears.
 */
#ifndef CORE_KINDS_WATCH_PATH_H
#define CORE_KINDS_WATCH_PATH_H

#include "core/kinds/fdinfo.h"
#include "core/kinds/kind.h"

struct watch_mount { /* of the last handle: watches come in groups */
	uint64_t dev;
	int fd; /* -1: none */
};

/* malloc'd; NULL when it is not to be found. r->probe is the instance. */
char *watch_path(const struct reading *r, const struct fdinfo_watch *watch,
		 struct watch_mount *mount);

#endif
