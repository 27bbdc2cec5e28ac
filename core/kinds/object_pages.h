/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents of memory objects: which pages have data, and reading and writing them, through
 * a descriptor or through a mapping in the frozen task (core/kinds/object.h).
 */
#ifndef CORE_KINDS_OBJECT_PAGES_H
#define CORE_KINDS_OBJECT_PAGES_H

#include "core/base/pagemap.h"
#include "core/kinds/object.h"

/* Appends the pages of the object that have data to `keys`, in its space. */
int object_pages_find(struct remote *remote, const struct object_access *access,
		      const Sn__MemoryObject *object, struct pagemap *keys, struct sn_err *err);

/* `count` pages from byte `offset` of the object on. What is past its end reads as zero. */
int object_pages_read(const struct task *task, const struct object_access *access,
		      uint64_t offset, uint8_t *buf, size_t count, struct sn_err *err);

/* Writes them; what is past the object's size is left out. */
int object_pages_write(const struct task *task, const struct object_access *access,
		       const Sn__MemoryObject *object, uint64_t offset, const uint8_t *buf,
		       size_t count, struct sn_err *err);

/* Makes them a hole. */
int object_pages_drop(const struct task *task, const struct object_access *access,
		      const Sn__MemoryObject *object, uint64_t offset, size_t count,
		      struct sn_err *err);

#endif
