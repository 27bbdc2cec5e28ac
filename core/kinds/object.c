// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/object.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/base/pagemap.h"
#include "core/kinds/mapping.h"
#include "core/kinds/plan.h"
#include "core/task/proc.h"
#include "parasite/wire.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { ANON_OFFSET = 0x10000000 }; /* of the mappings out of the way, after the hole's start */

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#define MFD_EXEC 0x0010U
#endif

/* ---- reading ---- */

static const char memfd_prefix[] = "/memfd:";
static const char deleted_suffix[] = " (deleted)";

static char *name_of(const char *path)
{
	size_t len = strlen(path), cut = sizeof(deleted_suffix) - 1;
	char *name;

	if (strncmp(path, memfd_prefix, sizeof(memfd_prefix) - 1) == 0)
		path += sizeof(memfd_prefix) - 1;
	name = sn_strdup(path);
	len = strlen(name);
	if (len >= cut && strcmp(name + len - cut, deleted_suffix) == 0)
		name[len - cut] = '\0';
	return name;
}

static void fill_type(Sn__MemoryObject *object, const char *path)
{
	sn_auto_free char *name = name_of(path);

	if (strncmp(path, memfd_prefix, sizeof(memfd_prefix) - 1) == 0)
		object->type = SN__OBJECT_TYPE__OBJECT_MEMFD;
	else if (strcmp(path, "/dev/zero (deleted)") == 0)
		object->type = SN__OBJECT_TYPE__OBJECT_ANON;
	else
		object->type = SN__OBJECT_TYPE__OBJECT_UNLINKED;
	kind_set_string(&object->name, name);
}

Sn__MemoryObject *object_of_mapping(struct reading *r, const struct proc_map *map)
{
	uint64_t end = map->offset + (map->end - map->start);
	bool added;
	Sn__MemoryObject *object = reading_object(r, map->dev, map->ino, &added);

	if (added)
		fill_type(object, map->path);
	/* of one with a descriptor object_from_stat says it better */
	if (object->mode == 0 && object->size_bytes < end)
		object->size_bytes = end;
	return object;
}

void object_from_stat(Sn__MemoryObject *object, const char *link, const struct stat *st)
{
	fill_type(object, link);
	object->size_bytes = (uint64_t)st->st_size;
	object->mode = st->st_mode;
	object->uid = st->st_uid;
	object->gid = st->st_gid;
}

bool object_is_memory(const Sn__MemoryObject *object)
{
	return object->type == SN__OBJECT_TYPE__OBJECT_ANON && object->mode == 0;
}

const Sn__MemoryObject *object_by_id(const Sn__Image *image, uint32_t id)
{
	size_t i;

	for (i = 0; i < image->n_objects; i++)
		if (image->objects[i]->id == id)
			return image->objects[i];
	return NULL;
}

/* ---- planning ---- */

static bool has_mapping(const Sn__Task *task, const Sn__Mapping *like, uint32_t object_id)
{
	size_t i;

	for (i = 0; i < task->n_mappings; i++) {
		const Sn__Mapping *m = task->mappings[i];

		if (m->type == SN__MAPPING_TYPE__MAPPING_OBJECT && m->object_id == object_id &&
		    m->start <= like->start && m->end >= like->end &&
		    mapping_same_marks(m, like) &&
		    m->start - m->offset_bytes == like->start - like->offset_bytes)
			return true;
	}
	return false;
}

/* Reached by no descriptor an object stays only if every wanted mapping of it is still there. */
static bool all_mapped(const struct plan *plan, uint32_t want_id, uint32_t have_id)
{
	const Sn__Task *want = plan->want->tasks[0], *have = plan->have->tasks[0];
	size_t i;

	for (i = 0; i < want->n_mappings; i++) {
		const Sn__Mapping *m = want->mappings[i];

		if (m->type == SN__MAPPING_TYPE__MAPPING_OBJECT && m->object_id == want_id &&
		    !has_mapping(have, m, have_id))
			return false;
	}
	return true;
}

bool object_is_kept(const struct plan *plan, uint32_t want_id, uint32_t have_id)
{
	const Sn__MemoryObject *want = object_by_id(plan->want, want_id);
	const Sn__MemoryObject *have = object_by_id(plan->have, have_id);

	if (plan->blank || !want || !have || want->type != have->type ||
	    want->dev != have->dev || want->ino != have->ino || (have->seals & ~want->seals))
		return false;
	if (object_descriptor(plan->have, plan->have->tasks[0], have_id, NULL) >= 0)
		return true;
	/* mappings alone give no descriptor */
	return object_descriptor(plan->want, plan->want->tasks[0], want_id, NULL) < 0 &&
	       all_mapped(plan, want_id, have_id);
}

static int plan_objects(struct plan *plan, const Sn__Task *have, const Sn__Task *want,
			struct sn_err *err)
{
	size_t i, k;

	(void)have;
	(void)want;
	(void)err;
	for (i = 0; i < plan->want->n_objects; i++) {
		const Sn__MemoryObject *object = plan->want->objects[i];
		struct step step = {.stage = STAGE_OBJECTS, .verb = VERB_MAKE,
				    .kind = &kind_objects, .want = &object->base};

		for (k = 0; k < plan->have->n_objects; k++) {
			if (!object_is_kept(plan, object->id, plan->have->objects[k]->id))
				continue;
			step.verb = VERB_CORRECT;
			step.have = &plan->have->objects[k]->base;
		}
		plan_add(plan, step);
		step.verb = VERB_END; /* contents are in place: a mapping that helped may go */
		step.stage = STAGE_PROTECT;
		plan_add(plan, step);
	}
	return 0;
}

/* ---- carrying out ---- */

struct applied_object {
	uint32_t id;
	int fd;        /* of ours in the target, -1 none */
	int map_fd;    /* with the program's rights only, for what is not written; -1: fd */
	bool sealed;   /* as wanted already */
	uint64_t addr; /* of a mapping out of the way, 0 none */
	uint64_t len;
};

struct applied_objects {
	struct applied_object *items;
	size_t len;
	uint64_t next_addr;
};

static struct applied_object *item_of(struct applying *a, uint32_t id)
{
	size_t i;

	for (i = 0; a->objects && i < a->objects->len; i++)
		if (a->objects->items[i].id == id)
			return &a->objects->items[i];
	return NULL;
}

static struct applied_object *new_item(struct applying *a, uint32_t id)
{
	struct applied_objects *objects = a->objects;

	if (!objects)
		objects = a->objects = sn_calloc(1, sizeof(*objects));
	objects->items = sn_realloc(objects->items, objects->len + 1, sizeof(*objects->items));
	objects->items[objects->len] = (struct applied_object){.id = id, .fd = -1, .map_fd = -1};
	return &objects->items[objects->len++];
}

static uint64_t page_up(uint64_t bytes)
{
	return (bytes + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
}

static bool is_noreserve(const Sn__Task *task, uint32_t object_id)
{
	size_t i;

	for (i = 0; i < task->n_mappings; i++)
		if (task->mappings[i]->type == SN__MAPPING_TYPE__MAPPING_OBJECT &&
		    task->mappings[i]->object_id == object_id &&
		    strstr(task->mappings[i]->vm_flags, "nr"))
			return true;
	return false;
}

static int make_anon(struct applying *a, const Sn__MemoryObject *want, struct sn_err *err)
{
	struct applied_object *item = new_item(a, want->id);

	if (!a->objects->next_addr)
		a->objects->next_addr = a->hole + WINDOW_BYTES + ANON_OFFSET;
	item->addr = a->objects->next_addr & ~(uint64_t)(PAGE_BYTES - 1);
	item->len = page_up(want->size_bytes);
	a->objects->next_addr = item->addr + item->len + PAGE_BYTES;
	remote_call(a->remote, "map shared memory", SYS_mmap, item->addr, item->len,
		    PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE |
			    (is_noreserve(a->want_task, want->id) ? MAP_NORESERVE : 0),
		    (uint64_t)-1, 0);
	return applying_run(a, err);
}

/* A file whose name is gone: made under it and unlinked, so that it shows as it did. Where the
 * name is somebody else's by now, O_TMPFILE beside it: open(2). */
static int make_unlinked(struct applying *a, const Sn__MemoryObject *want,
			 struct remote_call **made, struct sn_err *err)
{
	sn_auto_free char *dir = sn_strdup(want->name);
	uint64_t name = remote_text(a->remote, want->name);
	char *slash = strrchr(dir, '/');

	*made = remote_try(a->remote, want->name, SYS_openat, (uint64_t)AT_FDCWD, name,
			   O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, want->mode & 07777);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	if ((*made)->result >= 0) {
		remote_call(a->remote, want->name, SYS_unlinkat, (uint64_t)AT_FDCWD, name, 0);
		return 0;
	}
	if (slash)
		slash[slash == dir ? 1 : 0] = '\0';
	*made = remote_call(a->remote, want->name, SYS_openat, (uint64_t)AT_FDCWD,
			    remote_text(a->remote, dir), O_TMPFILE | O_RDWR | O_CLOEXEC,
			    want->mode & 07777);
	return 0;
}

static int make_file(struct applying *a, const Sn__MemoryObject *want, struct sn_err *err)
{
	struct remote_call *made, *sized;
	int fd;

	if (want->type == SN__OBJECT_TYPE__OBJECT_MEMFD)
		made = remote_call(a->remote, "make a memfd", SYS_memfd_create,
				   remote_text(a->remote, want->name),
				   want->seals == F_SEAL_SEAL ? MFD_CLOEXEC
							      : MFD_CLOEXEC | MFD_ALLOW_SEALING);
	else if (make_unlinked(a, want, &made, err) < 0)
		return sn_ctx(err, "make %s", want->name);
	sized = remote_call(a->remote, "size of a file", SYS_ftruncate, 0, want->size_bytes);
	remote_ref(sized, 0, made);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return sn_ctx(err, "make %s", want->name);
	fd = (int)made->result;
	remote_begin(a->remote);
	fd = applying_park(a, fd, err);
	if (fd < 0)
		return -1;
	*new_item(a, want->id) = (struct applied_object){.id = want->id, .fd = fd, .map_fd = -1};
	return 0;
}

/* A descriptor of the object that `fd` is of, to read and to write where its mode allows that:
 * the program may have it only to read, or only to write. */
static int open_again(struct applying *a, int fd, struct sn_err *err)
{
	struct remote_call *opened;
	char path[64];
	int result;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	remote_begin(a->remote);
	opened = remote_try(a->remote, "open an object again", SYS_openat, (uint64_t)AT_FDCWD,
			    remote_text(a->remote, path), O_RDWR | O_CLOEXEC);
	if (remote_run(a->remote, a->thread->tid, err) < 0)
		return -1;
	result = (int)opened->result;
	remote_begin(a->remote);
	return result < 0 ? applying_duplicate(a, fd, err) : applying_park(a, result, err);
}

/* A living object: by a descriptor of its own, for the program's may be closed soon. */
static int keep(struct applying *a, const Sn__MemoryObject *have, const Sn__MemoryObject *want,
		struct sn_err *err)
{
	struct applied_object *item = new_item(a, want->id);
	int access = 0, fd = object_descriptor(a->have, a->have_task, have->id, &access);

	if (fd < 0)
		return 0;
	item->sealed = have->seals == want->seals;
	item->fd = access == O_RDWR ? applying_duplicate(a, fd, err) : open_again(a, fd, err);
	if (item->fd >= 0 && access == O_RDONLY)
		item->map_fd = applying_duplicate(a, fd, err);
	if (item->fd < 0 || (access == O_RDONLY && item->map_fd < 0))
		return -1;
	if (have->size_bytes == want->size_bytes)
		return 0;
	remote_call(a->remote, "size of a file", SYS_ftruncate, (uint64_t)item->fd,
		    want->size_bytes);
	return applying_run(a, err);
}

void applied_objects_close(struct applying *a)
{
	size_t i;

	for (i = 0; a->objects && i < a->objects->len; i++) {
		struct applied_object *item = &a->objects->items[i];
		const Sn__MemoryObject *want = object_by_id(a->want, item->id);

		if (item->fd < 0)
			continue;
		/* seals forbid what came before them; they can be added, never taken off */
		if (want->type == SN__OBJECT_TYPE__OBJECT_MEMFD && want->seals &&
		    want->seals != F_SEAL_SEAL && !item->sealed)
			remote_call(a->remote, "seal a memfd", SYS_fcntl, (uint64_t)item->fd,
				    F_ADD_SEALS, want->seals);
		remote_call(a->remote, "close a memory object", SYS_close, (uint64_t)item->fd);
		if (item->map_fd >= 0)
			remote_call(a->remote, "close a memory object", SYS_close,
				    (uint64_t)item->map_fd);
		item->fd = item->map_fd = -1;
	}
}

static void release(struct applying *a, const Sn__MemoryObject *want)
{
	struct applied_object *item = item_of(a, want->id);

	if (item && item->addr)
		remote_call(a->remote, "unmap memory", SYS_munmap, item->addr, item->len);
	if (item)
		item->addr = 0;
}

void applied_objects_free(struct applied_objects *objects)
{
	if (objects)
		free(objects->items);
	free(objects);
}

static int apply(struct applying *a, const struct step *step, struct sn_err *err)
{
	const Sn__MemoryObject *want = (const Sn__MemoryObject *)step->want;

	if (step->verb == VERB_END) {
		release(a, want);
		return 0;
	}
	if (step->verb == VERB_CORRECT)
		return keep(a, (const Sn__MemoryObject *)step->have, want, err);
	if (want->type == SN__OBJECT_TYPE__OBJECT_ANON)
		return make_anon(a, want, err);
	return make_file(a, want, err);
}

int applying_object_fd(struct applying *a, uint32_t object_id, struct sn_err *err)
{
	const struct applied_object *item = item_of(a, object_id);

	if (!item || item->fd < 0)
		return sn_fail(err, "memory object %u is not at hand", object_id);
	return item->fd;
}

int object_map(struct applying *a, const Sn__Mapping *want, uint64_t start, uint64_t end,
	       struct sn_err *err)
{
	const struct applied_object *item = item_of(a, want->object_id);
	uint64_t offset = want->offset_bytes + (start - want->start);
	uint64_t prot = mapping_fill_prot(want);

	if (item && item->fd >= 0) {
		bool as_theirs =
			item->map_fd >= 0 && !(want->shared && want->prot & PROT_WRITE);

		remote_call(a->remote, "map a memory object", SYS_mmap, start, end - start, prot,
			    MAP_FIXED | (want->shared ? MAP_SHARED : MAP_PRIVATE),
			    (uint64_t)(as_theirs ? item->map_fd : item->fd), offset);
		return 0;
	}
	if (!item || !item->addr)
		return sn_fail(err, "memory object %u is not at hand", want->object_id);
	remote_call(a->remote, "map shared memory again", SYS_mremap, item->addr + offset, 0,
		    end - start, MREMAP_MAYMOVE | MREMAP_FIXED, start);
	if (prot != (PROT_READ | PROT_WRITE))
		remote_call(a->remote, "protect memory", SYS_mprotect, start, end - start, prot);
	return 0;
}

int object_reach_applied(struct applying *a, const Sn__MemoryObject *object,
			 struct object_access *access, struct sn_err *err)
{
	const struct applied_object *item = item_of(a, object->id);

	*access = (struct object_access){.fd = -1};
	if (item && item->fd >= 0) {
		access->fd = applying_fd(a, item->fd, err);
		return access->fd < 0 ? -1 : 0;
	}
	if (item && item->addr) {
		access->addr = item->addr;
		access->len = item->len;
		access->made = true;
		return 0;
	}
	return object_reach_mapped(a->task, a->want_task, object, access, err);
}

const struct kind kind_objects = {
	.name = "memory objects",
	.level = KIND_TASK,
	.plan = plan_objects,
	.apply = apply,
};
