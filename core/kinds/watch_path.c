// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/watch_path.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/task/proc.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

static bool is_watched(const char *path, const struct fdinfo_watch *watch)
{
	struct stat stat;

	return lstat(path, &stat) == 0 && stat.st_ino == watch->ino && stat.st_dev == watch->dev;
}

/* Whether somebody would hear that the file `path` is opened. */
static bool is_overheard(const char *fdinfo, const char *path)
{
	struct fdinfo_watch watch;
	struct sn_err ignored;

	while (fdinfo_next_watch(&fdinfo, &watch, &ignored) > 0)
		if ((watch.mask & (IN_OPEN | IN_CLOSE_NOWRITE)) && is_watched(path, &watch))
			return true;
	return false;
}

/* The mount point of the file system with this device, as the target sees it. */
static int open_mount_point(const struct reading *r, uint64_t dev)
{
	struct sn_err ignored;
	sn_auto_free char *text = proc_read(r->task->pid, "mountinfo", NULL, &ignored);
	char *line, *save, point[PATH_MAX];
	unsigned number[2];
	int fd = -1;

	/* "36 35 98:0 /mnt1 /mnt2 rw,noatime ...": id, parent, device, root, mount point */
	for (line = text ? strtok_r(text, "\n", &save) : NULL; line && fd < 0;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%*d %*d %u:%u %*s %4095s", &number[0], &number[1], point) == 3 &&
		    makedev(number[0], number[1]) == dev &&
		    !is_overheard(r->probe->fdinfo, point))
			fd = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	}
	return fd;
}

/*
 * A descriptor of something on the file system with this device, as open_by_handle_at wants
 * one (O_PATH will not do): best one the target has open, for taking that opens nothing.
 */
static int open_mount(const struct reading *r, uint64_t dev)
{
	size_t i, k;
	int fd = -1;

	for (i = 0; i < r->task_model->n_descriptors && fd < 0; i++) {
		const Sn__Descriptor *at = r->task_model->descriptors[i];

		for (k = 0; k < r->image->n_files && fd < 0; k++) {
			const Sn__OpenFile *file = r->image->files[k];

			if (file->id == at->file_id && file->dev == dev &&
			    file->object_case == SN__OPEN_FILE__OBJECT_REGULAR &&
			    !(file->flags & O_PATH))
				fd = (int)syscall(SYS_pidfd_getfd, r->task->pidfd, at->fd, 0);
		}
	}
	return fd < 0 ? open_mount_point(r, dev) : fd;
}

static int open_handle(const struct fdinfo_watch *watch, int mount_fd)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + FDINFO_HANDLE_BYTES];
	} u;

	u.handle.handle_bytes = (unsigned)watch->handle_len;
	u.handle.handle_type = watch->handle_type;
	memcpy(u.room + sizeof(u.handle), watch->handle, watch->handle_len);
	return open_by_handle_at(mount_fd, &u.handle, O_PATH | O_CLOEXEC);
}

static char *by_handle(const struct reading *r, const struct fdinfo_watch *watch,
		       struct watch_mount *mount)
{
	char link[40], path[PATH_MAX];
	sn_auto_fd int fd = -1;
	ssize_t len;

	if (watch->handle_len == 0)
		return NULL;
	if (mount->fd < 0 || mount->dev != watch->dev) {
		sn_guard_fd(&mount->fd);
		mount->fd = open_mount(r, watch->dev);
		mount->dev = watch->dev;
	}
	fd = mount->fd < 0 ? -1 : open_handle(watch, mount->fd);
	if (fd < 0)
		return NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return NULL;
	path[len] = '\0';
	return is_watched(path, watch) ? sn_strdup(path) : NULL;
}

/* The path itself or a directory above it. */
static char *at_or_above(const char *path, const struct fdinfo_watch *watch)
{
	sn_auto_free char *upward = sn_strdup(path ? path : "");
	char *slash;

	while (upward[0] == '/') {
		if (is_watched(upward, watch))
			return sn_steal_ptr(&upward);
		if (!upward[1])
			break;
		slash = strrchr(upward, '/');
		slash[slash == upward] = '\0';
	}
	return NULL;
}

static char *at_hand(const struct reading *r, const struct fdinfo_watch *watch)
{
	static const char *const links[] = {"cwd", "root", "exe"};
	struct sn_err ignored;
	char path[PATH_MAX], *found = NULL;
	size_t i;

	for (i = 0; i < sn_countof(links) && !found; i++)
		if (proc_readlink(r->task->pid, links[i], path, sizeof(path), &ignored) == 0)
			found = at_or_above(path, watch);
	for (i = 0; i < r->image->n_files && !found; i++)
		if (r->image->files[i]->object_case == SN__OPEN_FILE__OBJECT_REGULAR)
			found = at_or_above(r->image->files[i]->regular->path, watch);
	return found;
}

char *watch_path(const struct reading *r, const struct fdinfo_watch *watch,
		 struct watch_mount *mount)
{
	char *path = by_handle(r, watch, mount);

	return path ? path : at_hand(r, watch);
}
