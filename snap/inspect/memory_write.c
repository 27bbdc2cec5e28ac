// SPDX-License-Identifier: Apache-2.0
/* Writing to the process's memory: pages as they are kept among what was assigned. */
#include "snap/inspect/changes.h"

#include <fcntl.h>

static const Sn__MemoryObject *object_of(const struct inspect *in, const Sn__Mapping *mapping)
{
	for (size_t i = 0; i < in->image->n_objects; i++) {
		if (in->image->objects[i]->id == mapping->object_id)
			return in->image->objects[i];
	}
	return NULL;
}

static int check_object(const struct inspect *in, const Sn__Mapping *mapping, uint64_t addr,
			uint64_t key, struct sn_err *err)
{
	const Sn__MemoryObject *object = object_of(in, mapping);

	if (!object || page_key_addr(key) >= object->size_bytes)
		return memory_none(addr, err);
	if (object->seals & F_SEAL_WRITE)
		return sn_fail(err,
			       "Cannot access memory at address 0x%lx: %s is sealed against"
			       " writing",
			       addr, object->name);
	return 0;
}

/* Where the page that is mapped at an address belongs: a private one wherever one can be. */
static int key_to_write(const struct inspect *in, uint64_t addr, uint64_t *key, struct sn_err *err)
{
	const Sn__Mapping *mapping = memory_mapping(in, addr);

	if (!mapping || mapping->type == SN__MAPPING_TYPE__MAPPING_SPECIAL)
		return memory_none(addr, err);
	if (!memory_key(in, mapping, addr, key))
		return sn_fail(err,
			       "Cannot access memory at address 0x%lx: it is in the file %s, of"
			       " which a snapshot has nothing",
			       addr, mapping->path);
	return mapping->shared ? check_object(in, mapping, addr, *key, err) : 0;
}

static int write_part(struct inspect *in, uint64_t addr, const uint8_t *buf, size_t len,
		      struct sn_err *err)
{
	size_t within = addr & (PAGE_BYTES - 1);
	uint8_t was[PAGE_BYTES], *page;
	uint64_t key = 0;

	if (key_to_write(in, addr, &key, err) < 0)
		return -1;
	page = changes_page(in, key);
	if (!page) {
		if (inspect_read(in, addr - within, was, sizeof(was), err) < 0)
			return -1;
		page = changes_add_page(in, key, was);
	}
	memcpy(page + within, buf, len);
	return 0;
}

int memory_write(struct inspect *in, uint64_t addr, const void *buf, size_t len,
		 struct sn_err *err)
{
	const uint8_t *from = buf;

	while (len > 0) {
		size_t within = addr & (PAGE_BYTES - 1);
		size_t n = PAGE_BYTES - within < len ? PAGE_BYTES - within : len;

		if (write_part(in, addr, from, n, err) < 0)
			return -1;
		from += n;
		addr += n;
		len -= n;
	}
	memory_forget(in);
	return 0;
}
