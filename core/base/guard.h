/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope guards: a resource is released on every way out of the block that owns
 * it. Ownership is handed over in the open: sn_steal_fd, sn_steal_ptr.
 *
 *	sn_auto_fd int fd = open(...);
 *	sn_auto_free char *text = read_whole(...);
 *	sn_auto_dir DIR *dir = opendir(...);
 *	sn_auto_file FILE *f = fopen(...);
 */
#ifndef CORE_BASE_GUARD_H
#define CORE_BASE_GUARD_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void sn_guard_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void sn_guard_free(void *p)
{
	free(*(void **)p);
}

static inline void sn_guard_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static inline void sn_guard_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define sn_auto_fd __attribute__((cleanup(sn_guard_fd)))
#define sn_auto_free __attribute__((cleanup(sn_guard_free)))
#define sn_auto_dir __attribute__((cleanup(sn_guard_dir)))
#define sn_auto_file __attribute__((cleanup(sn_guard_file)))
#define sn_auto(release) __attribute__((cleanup(release)))

/* Takes a descriptor out of its guard. */
static inline int sn_steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define sn_steal_ptr(p)                     \
	({                                  \
		__typeof__(*(p)) taken_ = *(p); \
		*(p) = NULL;                \
		taken_;                     \
	})

#define sn_countof(a) (sizeof(a) / sizeof((a)[0]))

#endif
