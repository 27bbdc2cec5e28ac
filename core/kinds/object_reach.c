// SPDX-License-Identifier: Apache-2.0
/* Where the contents of a memory object can be had: one of the program's descriptors, opened
 * again where it allows too little; map_files; a mapping. */
#include "core/kinds/object.h"
#include "core/task/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_of(const Sn__OpenFile *file, uint32_t object_id)
{
	if (file->object_case == SN__OPEN_FILE__OBJECT_MEMFD)
		return file->memfd->object_id == object_id;
	return file->object_case == SN__OPEN_FILE__OBJECT_REGULAR &&
	       file->regular->object_id == object_id;
}

int object_descriptor(const Sn__Image *image, const Sn__Task *task, uint32_t object_id, int *access)
{
	int found = -1, mode = O_RDONLY;
	size_t i, k;

	for (i = 0; i < task->n_descriptors; i++) {
		for (k = 0; k < image->n_files; k++) {
			const Sn__OpenFile *file = image->files[k];

			if (file->id != task->descriptors[i]->file_id || !is_of(file, object_id))
				continue;
			if (found >= 0 && (file->flags & O_ACCMODE) != O_RDWR)
				continue;
			found = (int)task->descriptors[i]->fd;
			mode = file->flags & O_ACCMODE;
		}
	}
	if (access)
		*access = mode;
	return found;
}

/* Whether a mapping is better to reach an object by: one that may be written, then a longer
 * one. (Not even a tracer writes to shared memory that is mapped read-only.) */
static bool is_better(const Sn__Mapping *m, const Sn__Mapping *best)
{
	bool writes = m->prot & PROT_WRITE;

	if (!best || writes != !!(best->prot & PROT_WRITE))
		return !best || writes;
	return m->end - m->start > best->end - best->start;
}

/* Whether no mapping that is written shows a part of their object that this one does not. */
static bool shows_all(const Sn__Task *owner, const Sn__Mapping *best)
{
	uint64_t end = best->offset_bytes + (best->end - best->start);
	size_t i;

	for (i = 0; i < owner->n_mappings; i++) {
		const Sn__Mapping *m = owner->mappings[i];

		if (m->type == SN__MAPPING_TYPE__MAPPING_OBJECT &&
		    m->object_id == best->object_id && m->prot & PROT_WRITE &&
		    (m->offset_bytes < best->offset_bytes ||
		     m->offset_bytes + (m->end - m->start) > end))
			return false;
	}
	return true;
}

/* Through /proc/PID/map_files, or memory itself. */
int object_reach_mapped(const struct task *task, const Sn__Task *owner,
			const Sn__MemoryObject *object, struct object_access *access,
			struct sn_err *err)
{
	const Sn__Mapping *best = NULL;
	struct sn_err ignored;
	char name[64];
	size_t i;

	for (i = 0; i < owner->n_mappings; i++) {
		const Sn__Mapping *m = owner->mappings[i];

		if (m->type != SN__MAPPING_TYPE__MAPPING_OBJECT || m->object_id != object->id)
			continue;
		snprintf(name, sizeof(name), "map_files/%lx-%lx", m->start, m->end);
		access->fd = proc_open(task->pid, name, O_RDWR, &ignored);
		if (access->fd >= 0)
			return 0;
		if (m->shared && is_better(m, best))
			best = m;
	}
	if (!best)
		return sn_fail(err, "%s is mapped privately and has no descriptor: to read it "
			       "takes CAP_CHECKPOINT_RESTORE", object->name);
	if (!shows_all(owner, best))
		return sn_fail(err, "no single mapping of %s shows all of it that is written: to "
			       "read it takes CAP_CHECKPOINT_RESTORE", object->name);
	access->addr = best->start;
	access->offset_bytes = best->offset_bytes;
	access->len = best->end - best->start;
	return 0;
}

/* Opens a file again that the descriptor of ours can only write, to read it. */
static int open_again(int fd, struct sn_err *err)
{
	char path[64];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR | O_CLOEXEC);
	if (again < 0)
		sn_fail_sys(err, "open for reading what is open for writing only");
	close(fd);
	return again;
}

int object_reach(const struct task *task, const Sn__Image *image, const Sn__MemoryObject *object,
		 struct object_access *access, struct sn_err *err)
{
	const Sn__Task *owner = image->tasks[0];
	int flags = 0, fd = object_descriptor(image, owner, object->id, &flags);

	*access = (struct object_access){.fd = -1};
	if (fd < 0)
		return object_reach_mapped(task, owner, object, access, err);
	access->fd = (int)syscall(SYS_pidfd_getfd, task->pidfd, fd, 0);
	if (access->fd < 0)
		return sn_fail_sys(err, "duplicate fd %d of process %d", fd, task->pid);
	if (flags != O_WRONLY) /* whoever watches the file is told of its being opened */
		return 0;
	access->fd = open_again(access->fd, err);
	return access->fd < 0 ? sn_ctx(err, "%s, fd %d", object->name, fd) : 0;
}
