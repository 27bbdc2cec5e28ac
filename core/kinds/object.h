/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory objects: shared anonymous memory, memfd_create(2), files without a name. Memory
 * that has no other home than the snapshot, reached through mappings and descriptors.
 *
 * Each is a page space of its own. An object the living task still has is kept and
 * its contents corrected; any other is made anew: as a descriptor of the target that is
 * closed when all is done, or, for shared anonymous memory, as a mapping out of the way
 * that mremap(2) with an old size of 0 maps again where it is wanted.
 */
#ifndef CORE_KINDS_OBJECT_H
#define CORE_KINDS_OBJECT_H

#include "core/kinds/kind.h"

extern const struct kind kind_objects;

/* The object behind a line of maps that says "(deleted)"; its size grows to the line's end. */
Sn__MemoryObject *object_of_mapping(struct reading *r, const struct proc_map *map);

/* Fills a new object from an open descriptor of it. */
void object_from_stat(Sn__MemoryObject *object, const char *link, const struct stat *st);

const Sn__MemoryObject *object_by_id(const Sn__Image *image, uint32_t id);

/* The task's descriptor of the object, one that reads and writes if there is one; -1: none. Its
 * O_ACCMODE in *access (NULL: not wanted). */
int object_descriptor(const Sn__Image *image, const Sn__Task *task, uint32_t object_id,
		      int *access);

/* Whether the wanted object is the living object `have_id`, and can stay. */
bool object_is_kept(const struct plan *plan, uint32_t want_id, uint32_t have_id);

/* The wanted object as a descriptor number of the target, or -1. */
int applying_object_fd(struct applying *a, uint32_t object_id, struct sn_err *err);

/* Maps the part of its object that the wanted mapping has at [start, end). Queued. */
int object_map(struct applying *a, const Sn__Mapping *want, uint64_t start, uint64_t end,
	       struct sn_err *err);

/* Seals and closes the descriptors that objects were reached by; mappings and open files are
 * in place. Queued. */
void applied_objects_close(struct applying *a);
void applied_objects_free(struct applied_objects *objects); /* NULL is fine */

/* Whether no descriptor can write it: it has none, and no name. */
bool object_is_memory(const Sn__MemoryObject *object);

/* Where an object's contents can be reached in a frozen task. */
struct object_access {
	int fd;        /* a descriptor of ours, the caller's to close; -1: none */
	uint64_t addr; /* else: mapped at addr, from offset_bytes on, len bytes */
	uint64_t offset_bytes, len;
	bool made;     /* it is new in the task */
};

/*
 * How to reach an object of `image`, the model of the task as it now is: through one of its
 * descriptors, /proc/PID/map_files (takes CAP_CHECKPOINT_RESTORE), or a mapping.
 */
int object_reach(const struct task *task, const Sn__Image *image, const Sn__MemoryObject *object,
		 struct object_access *access, struct sn_err *err);

/* The same for one that no descriptor is of, by the mappings of `owner`. */
int object_reach_mapped(const struct task *task, const Sn__Task *owner,
			const Sn__MemoryObject *object, struct object_access *access,
			struct sn_err *err);

/* The same for an object of the wanted image, when the mappings are as wanted. */
int object_reach_applied(struct applying *a, const Sn__MemoryObject *object,
			 struct object_access *access, struct sn_err *err);

#endif
