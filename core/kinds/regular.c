// SPDX-License-Identifier: Apache-2.0
/*
 * What a snapshot keeps of an open file is the description: which file, how it is open,
 * the offset, the locks. The contents of a file with a name live on the disk and are never
 * written back. A file without a name has no other home than the process, so it is a
 * memory object, saved whole.
 */
#include "core/kinds/regular.h"

#include "core/base/guard.h"
#include "core/kinds/locks.h"
#include "core/kinds/named.h"
#include "core/kinds/object.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

enum {
	MQUEUE_MAGIC = 0x19800202, /* POSIX message queues, mq_overview(7) */
	/* what F_SETFL can change, fcntl(2) */
	CORRECTABLE = O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME,
};

static bool recognise(const struct file_probe *probe)
{
	mode_t mode = probe->stat.st_mode;

	if (probe->link[0] != '/')
		return false;
	if (probe->flags & O_PATH)
		return true;
	/* memory of the kernel's own, with names that no directory has */
	if (probe->stat.st_nlink == 0 && (strncmp(probe->link, "/memfd:", 7) == 0 ||
					  strncmp(probe->link, "/secretmem", 10) == 0))
		return false;
	return S_ISREG(mode) || S_ISDIR(mode);
}

/* Flags a description has for life; O_TMPFILE says how its file was made, not how it is open. */
static uint32_t lasting(uint32_t flags)
{
	if ((flags & O_TMPFILE) == O_TMPFILE)
		flags &= ~(uint32_t)O_TMPFILE;
	return flags & ~(uint32_t)CORRECTABLE;
}

static bool same(const Sn__OpenFile *have, const Sn__OpenFile *want)
{
	return have->dev == want->dev && have->ino == want->ino &&
	       named_same_birth(have->regular->file, want->regular->file) &&
	       lasting(have->flags) == lasting(want->flags);
}

static int refuse_queue(struct reading *r, struct sn_err *err)
{
	struct statfs fs;
	int fd;

	if (!S_ISREG(r->probe->stat.st_mode) || strchr(r->probe->link + 1, '/'))
		return 0; /* their names have one slash */
	fd = reading_fd(r, err);
	if (fd < 0)
		return -1;
	if (fstatfs(fd, &fs) == 0 && fs.f_type == MQUEUE_MAGIC)
		return sn_fail(err, "%s: a POSIX message queue cannot be captured", r->probe->link);
	return 0;
}

static uint32_t unlinked_object(struct reading *r)
{
	const struct file_probe *probe = r->probe;
	Sn__MemoryObject *object;
	bool added;

	object = reading_object(r, probe->stat.st_dev, probe->stat.st_ino, &added);
	object_from_stat(object, probe->link, &probe->stat);
	return object->id;
}

static int ask(struct reading *r, void *message, struct sn_err *err)
{
	const struct file_probe *probe = r->probe;
	sn_auto_free char *path = named_path(probe);
	Sn__RegularFile *regular = message;

	kind_set_string(&regular->path, path);
	regular->pos_bytes = probe->pos_bytes;
	regular->mode = probe->stat.st_mode;
	regular->file = named_id_of(r);
	if (probe->flags & O_PATH)
		return 0;
	if (refuse_queue(r, err) < 0 || locks_read(probe, regular, err) < 0)
		return -1;
	if (S_ISREG(probe->stat.st_mode) && probe->stat.st_nlink == 0)
		regular->object_id = unlinked_object(r);
	return 0;
}

static const char *refuse(const Sn__Image *want, const Sn__OpenFile *file)
{
	(void)want;
	if (file->regular->object_id)
		return NULL;
	return named_refuse(file->regular->path, file->regular->file);
}

static int make(struct applying *a, const Sn__OpenFile *want, struct sn_err *err)
{
	const Sn__RegularFile *regular = want->regular;
	int fd, object;

	if (!regular->object_id) {
		if (named_open(a, regular->path, want->flags, &fd, err) < 0)
			return -1;
		return applying_made(a, want->id, fd, err);
	}
	/* what kept it a directory for open(2) was O_TMPFILE */
	object = applying_object_fd(a, regular->object_id, err);
	if (object < 0 ||
	    named_reopen(a, object, want->flags & ~(uint32_t)O_DIRECTORY, &fd, err) < 0)
		return -1;
	return applying_made(a, want->id, fd, err);
}

static int settle(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want, int fd,
		  struct sn_err *err)
{
	uint64_t pos = want->regular->pos_bytes;

	if (want->flags & O_PATH)
		return 0;
	if (pos != (have ? have->regular->pos_bytes : 0))
		remote_call(a->remote, "set a file's offset", SYS_lseek, (uint64_t)fd, pos,
			    SEEK_SET);
	return have ? locks_release(a, have->regular, want->regular, fd, err) : 0;
}

static int link_locks(struct applying *a, const Sn__OpenFile *have, const Sn__OpenFile *want,
		      int fd, struct sn_err *err)
{
	(void)have;
	return locks_take(a, want->regular, fd, err);
}

static const struct file_ops ops = {
	.recognise = recognise,
	.same = same,
	.make = make,
	.settle = settle,
	.link = link_locks,
	.refuse = refuse,
};

const struct kind kind_regular = {
	.name = "file",
	.level = KIND_FILE,
	.field = 10,
	.ask = ask,
	.file = &ops,
};
