// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/object_pages.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MINCORE_PAGES = 1 << 20 };

static uint64_t page_up(uint64_t bytes)
{
	return (bytes + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
}

/* By SEEK_DATA and SEEK_HOLE, lseek(2). Only up to the size we know: of one without a descriptor
 * that is what its mappings reach, and what they were cut off from has no other way in. */
static int find_by_fd(int fd, const Sn__MemoryObject *object, struct pagemap *keys,
		      struct sn_err *err)
{
	/* the offset is the description's, shared with the program: put it back */
	off_t was = lseek(fd, 0, SEEK_CUR), data = 0, hole = 0;
	int result = 0;

	while ((uint64_t)hole < object->size_bytes) {
		data = lseek(fd, hole, SEEK_DATA);
		if (data < 0)
			break;
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			break;
		if ((uint64_t)hole > object->size_bytes)
			hole = (off_t)object->size_bytes;
		if (data >= hole)
			break;
		data &= ~(off_t)(PAGE_BYTES - 1);
		pagemap_append(keys, page_key(object->id, (uint64_t)data),
			       (page_up((uint64_t)hole) - (uint64_t)data) / PAGE_BYTES,
			       PAGE_LOC_ZERO);
	}
	if ((data < 0 && errno != ENXIO) || hole < 0)
		result = sn_fail_sys(err, "find the data of %s", object->name);
	if (was >= 0)
		lseek(fd, was, SEEK_SET);
	return result;
}

/* By mincore(2) in the task: what of a shared mapping has a page at all. */
static int find_by_mapping(struct remote *remote, const struct object_access *access,
			   const Sn__MemoryObject *object, struct pagemap *keys,
			   struct sn_err *err)
{
	uint64_t pages = access->len / PAGE_BYTES, at, i;

	for (at = 0; at < pages; at += MINCORE_PAGES) {
		uint64_t n = pages - at < MINCORE_PAGES ? pages - at : MINCORE_PAGES, addr;
		const uint8_t *resident;

		remote_begin(remote);
		resident = remote_room(remote, n, &addr);
		remote_call(remote, "find resident pages", SYS_mincore,
			    access->addr + at * PAGE_BYTES, n * PAGE_BYTES, addr);
		if (remote_run(remote, remote_task(remote)->pid, err) < 0)
			return -1;
		for (i = 0; i < n; i++)
			if (resident[i] & 1)
				pagemap_append(keys,
					       page_key(object->id, access->offset_bytes +
									    (at + i) * PAGE_BYTES),
					       1, PAGE_LOC_ZERO);
	}
	remote_begin(remote);
	return 0;
}

int object_pages_find(struct remote *remote, const struct object_access *access,
		      const Sn__MemoryObject *object, struct pagemap *keys, struct sn_err *err)
{
	if (access->fd >= 0)
		return find_by_fd(access->fd, object, keys, err);
	return find_by_mapping(remote, access, object, keys, err);
}

int object_pages_read(const struct task *task, const struct object_access *access,
		      uint64_t offset, uint8_t *buf, size_t count, struct sn_err *err)
{
	size_t len = count * PAGE_BYTES, done = 0;

	if (access->fd < 0)
		return task_peek(task, access->addr + (offset - access->offset_bytes), buf, len,
				 err);
	while (done < len) {
		ssize_t n = pread(access->fd, buf + done, len - done, (off_t)(offset + done));

		if (n < 0)
			return sn_fail_sys(err, "read a memory object");
		if (n == 0)
			break;
		done += (size_t)n;
	}
	memset(buf + done, 0, len - done);
	return 0;
}

int object_pages_write(const struct task *task, const struct object_access *access,
		       const Sn__MemoryObject *object, uint64_t offset, const uint8_t *buf,
		       size_t count, struct sn_err *err)
{
	size_t len = count * PAGE_BYTES, done = 0;

	if (access->fd < 0)
		return task_poke(task, access->addr + (offset - access->offset_bytes), buf, len,
				 err);
	if (offset + len > object->size_bytes)
		len = object->size_bytes > offset ? object->size_bytes - offset : 0;
	while (done < len) {
		ssize_t n = pwrite(access->fd, buf + done, len - done, (off_t)(offset + done));

		if (n <= 0)
			return sn_fail_sys(err, "write %s", object->name);
		done += (size_t)n;
	}
	return 0;
}

int object_pages_drop(const struct task *task, const struct object_access *access,
		      const Sn__MemoryObject *object, uint64_t offset, size_t count,
		      struct sn_err *err)
{
	static const uint8_t zeros[PAGE_BYTES];
	size_t i;

	if (access->fd >= 0 &&
	    fallocate(access->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
		      (off_t)(count * PAGE_BYTES)) == 0)
		return 0;
	for (i = 0; i < count; i++)
		if (object_pages_write(task, access, object, offset + i * PAGE_BYTES, zeros, 1,
				       err) < 0)
			return -1;
	return 0;
}
