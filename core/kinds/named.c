// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/named.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/fdinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

enum {
	NS_PER_S = 1000000000,
	TMPFILE_BIT = O_TMPFILE & ~O_DIRECTORY, /* the macro is both */
	ONCE = O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC | O_ASYNC | TMPFILE_BIT,
};

static bool is_at(const char *path, const struct stat *stat)
{
	struct stat there;

	return lstat(path, &there) == 0 && there.st_dev == stat->st_dev &&
	       there.st_ino == stat->st_ino;
}

char *named_path(const struct file_probe *probe)
{
	static const char deleted[] = " (deleted)";
	size_t len = strlen(probe->link), cut = sizeof(deleted) - 1;
	char *path = sn_strdup(probe->link);

	/* a file may really be called so */
	if (len > cut && strcmp(path + len - cut, deleted) == 0 && !is_at(path, &probe->stat))
		path[len - cut] = '\0';
	return path;
}

Sn__FileId *named_id(const struct stat *stat)
{
	Sn__FileId *id = message_new(&sn__file_id__descriptor);

	id->dev = stat->st_dev;
	id->ino = stat->st_ino;
	id->size_bytes = (uint64_t)stat->st_size;
	id->mtime_ns = (uint64_t)stat->st_mtim.tv_sec * NS_PER_S + (uint64_t)stat->st_mtim.tv_nsec;
	return id;
}

static uint64_t birth_ns(const struct statx *stx)
{
	if (!(stx->stx_mask & STATX_BTIME))
		return 0;
	return (uint64_t)stx->stx_btime.tv_sec * NS_PER_S + stx->stx_btime.tv_nsec;
}

Sn__FileId *named_id_of(const struct reading *r)
{
	Sn__FileId *id = named_id(&r->probe->stat);
	struct statx stx;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", r->task->pid, r->probe->fd);
	if (statx(AT_FDCWD, path, 0, STATX_BTIME, &stx) == 0)
		id->birth_ns = birth_ns(&stx);
	return id;
}

bool named_same_birth(const Sn__FileId *a, const Sn__FileId *b)
{
	return !a || !b || !a->birth_ns || !b->birth_ns || a->birth_ns == b->birth_ns;
}

static bool is_other(const struct statx *stx, const Sn__FileId *id)
{
	Sn__FileId there = {.birth_ns = birth_ns(stx)};

	/* file systems without a device of their own get another number at every mount */
	return stx->stx_ino != id->ino || !named_same_birth(&there, id) ||
	       (major(id->dev) != 0 &&
		makedev(stx->stx_dev_major, stx->stx_dev_minor) != id->dev);
}

const char *named_refuse(const char *path, const Sn__FileId *id)
{
	struct statx stx;

	/* inodes there come and go, and those of the process are not there before it is */
	if (strncmp(path, "/proc/", 6) == 0)
		return NULL;
	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &stx) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return "the file is gone";
		return errno == EACCES ? "no permission to reach the file"
				       : "the file cannot be reached";
	}
	return id && is_other(&stx, id) ? "another file has taken its name" : NULL;
}

/* A path as the target sees it: its root may not be ours. */
static const char *inside_root(const struct applying *a, const char *path, struct sn_err *err)
{
	const Sn__FileSystem *fs = a->have_task ? a->have_task->file_system : NULL;
	size_t len;

	if (a->blank || !fs || !fs->root || !fs->root[0] || strcmp(fs->root, "/") == 0)
		return path;
	len = strlen(fs->root);
	if (strncmp(path, fs->root, len) == 0 && path[len] == '/')
		return path + len;
	sn_fail(err, "open %s: it is outside the process's root %s", path, fs->root);
	return NULL;
}

static int open_path(struct applying *a, const char *name, const char *path, uint32_t flags,
		     int *fd, struct sn_err *err)
{
	sn_auto_free char *what = sn_asprintf("open %s", name);
	struct remote_call *call;

	if (applying_run(a, err) < 0)
		return -1;
	call = remote_call(a->remote, what, SYS_openat, (uint64_t)AT_FDCWD,
			   remote_text(a->remote, path), (flags & ~(uint32_t)ONCE) | O_NOCTTY);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	*fd = (int)call->result;
	return 0;
}

int named_open(struct applying *a, const char *path, uint32_t flags, int *fd,
	       struct sn_err *err)
{
	const char *inside = inside_root(a, path, err);

	return inside ? open_path(a, path, inside, flags, fd, err) : -1;
}

int named_reopen(struct applying *a, int fd, uint32_t flags, int *reopened, struct sn_err *err)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open_path(a, path, path, flags & ~(uint32_t)O_NOFOLLOW, reopened, err);
}

int named_no_locks(const struct file_probe *probe, struct sn_err *err)
{
	const char *at = probe->fdinfo;

	if (fdinfo_line(&at, "lock:"))
		return sn_fail(err, "%s: locked, which is kept for regular files only",
			       probe->link);
	return 0;
}
