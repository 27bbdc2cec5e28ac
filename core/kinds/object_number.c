// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/object_number.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/kind.h"

static const Sn__MemoryObject *same(const Sn__Image *like, const Sn__MemoryObject *object)
{
	size_t i;

	for (i = 0; like && i < like->n_objects; i++)
		if (like->objects[i]->dev == object->dev && like->objects[i]->ino == object->ino)
			return like->objects[i];
	return NULL;
}

static bool is_used(const uint32_t *ids, size_t count, uint32_t id)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static bool is_taken(const Sn__Image *like, uint32_t id)
{
	size_t i;

	for (i = 0; like && i < like->n_objects; i++)
		if (like->objects[i]->id == id)
			return true;
	return false;
}

static void renumber(uint32_t *id, const uint32_t *ids)
{
	if (*id)
		*id = ids[*id - 1];
}

static void renumber_all(Sn__Image *image, const uint32_t *ids)
{
	size_t i, k;

	for (i = 0; i < image->n_objects; i++)
		renumber(&image->objects[i]->id, ids);
	for (i = 0; i < image->n_files; i++) {
		if (image->files[i]->object_case == SN__OPEN_FILE__OBJECT_MEMFD)
			renumber(&image->files[i]->memfd->object_id, ids);
		if (image->files[i]->object_case == SN__OPEN_FILE__OBJECT_REGULAR)
			renumber(&image->files[i]->regular->object_id, ids);
	}
	for (i = 0; i < image->n_tasks; i++)
		for (k = 0; k < image->tasks[i]->n_mappings; k++)
			renumber(&image->tasks[i]->mappings[k]->object_id, ids);
}

static int by_id(const void *a, const void *b)
{
	const Sn__MemoryObject *const *x = a, *const *y = b;

	return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

void objects_number(Sn__Image *image, const Sn__Image *like)
{
	sn_auto_free uint32_t *ids = sn_calloc(image->n_objects, sizeof(*ids));
	uint32_t next = 1;
	size_t i;

	for (i = 0; i < image->n_objects; i++) {
		const Sn__MemoryObject *known = same(like, image->objects[i]);

		if (known)
			ids[i] = known->id;
	}
	/* not those of objects that are gone, either: the parent's pages have them */
	for (i = 0; i < image->n_objects; i++) {
		if (ids[i])
			continue;
		while (is_taken(like, next) || is_used(ids, image->n_objects, next))
			next++;
		ids[i] = next;
	}
	renumber_all(image, ids);
	if (image->n_objects)
		qsort(image->objects, image->n_objects, sizeof(*image->objects), by_id);
}

Sn__Image *objects_numbers(Sn__Image *old, const Sn__Image *image)
{
	Sn__Image *numbers = message_new(&sn__image__descriptor);
	size_t i;

	for (i = 0; i < image->n_objects; i++) {
		Sn__MemoryObject *object = kind_append(numbers, objects, sn__memory_object);

		object->id = image->objects[i]->id;
		object->dev = image->objects[i]->dev;
		object->ino = image->objects[i]->ino;
	}
	if (old)
		sn__image__free_unpacked(old, NULL);
	return numbers;
}
