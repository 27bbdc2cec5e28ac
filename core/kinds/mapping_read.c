// SPDX-License-Identifier: Apache-2.0
/* Mappings as /proc/PID/maps and smaps tell them. */
#include "core/kinds/mapping.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/kinds/object.h"
#include "core/kinds/smaps.h"

static const char *const special_names[] = {"[vdso]", "[vvar]", "[vvar_vclock]", "[uprobes]"};

static bool is_special(const char *path)
{
	size_t i;

	for (i = 0; i < sn_countof(special_names); i++)
		if (strcmp(path, special_names[i]) == 0)
			return true;
	return false;
}

static bool ends_with(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);

	return a >= b && strcmp(text + a - b, end) == 0;
}

static void fill_anon_name(Sn__Mapping *mapping, const char *path)
{
	static const char prefix[] = "[anon:";
	char *name;

	if (strncmp(path, prefix, sizeof(prefix) - 1) != 0)
		return;
	name = sn_strdup(path + sizeof(prefix) - 1);
	name[strlen(name) - 1] = '\0';
	kind_set_string(&mapping->anon_name, name);
	free(name);
}

/* What a line of maps is: its type, or the reason why it cannot be handled. */
static int classify(struct reading *r, const struct proc_map *map, Sn__Mapping *mapping,
		    struct sn_err *err)
{
	const char *path = map->path;

	if (is_special(path)) {
		mapping->type = SN__MAPPING_TYPE__MAPPING_SPECIAL;
		kind_set_string(&mapping->path, path);
		return 0;
	}
	if (map->ino == 0 && !map->shared) {
		if (strchr(path, ':') && path[0] != '[')
			goto unknown;
		mapping->type = SN__MAPPING_TYPE__MAPPING_ANON;
		fill_anon_name(mapping, path);
		return 0;
	}
	if (strncmp(path, "/anon_hugepage", 14) == 0 && !map->shared) {
		mapping->type = SN__MAPPING_TYPE__MAPPING_HUGETLB;
		return 0;
	}
	if (path[0] != '/' || strncmp(path, "/SYSV", 5) == 0 || strncmp(path, "/[aio]", 6) == 0 ||
	    strncmp(path, "/anon_hugepage", 14) == 0)
		goto unknown;
	if (ends_with(path, " (deleted)")) {
		mapping->type = SN__MAPPING_TYPE__MAPPING_OBJECT;
		mapping->object_id = object_of_mapping(r, map)->id;
		return 0;
	}
	mapping->type = SN__MAPPING_TYPE__MAPPING_FILE;
	kind_set_string(&mapping->path, path);
	mapping->file = sn_malloc(sizeof(*mapping->file));
	sn__file_id__init(mapping->file);
	mapping->file->dev = map->dev;
	mapping->file->ino = map->ino;
	return 0;
unknown:
	return sn_fail(err, "the mapping of %s at %#lx is of a kind that is not handled",
		       path[0] ? path : "nothing with a name", map->start);
}

/* flags: NULL for what merged with our window: private, nothing special. */
static int read_one(struct reading *r, const struct proc_map *map,
		    const struct smaps_entry *flags, struct sn_err *err)
{
	Sn__Mapping *mapping = kind_append(r->task_model, mappings, sn__mapping);

	mapping->start = map->start;
	mapping->end = map->end;
	mapping->prot = (uint32_t)map->prot;
	mapping->shared = map->shared;
	mapping->offset_bytes = map->offset;
	kind_set_string(&mapping->vm_flags, flags ? flags->flags : "");
	if (classify(r, map, mapping, err) < 0)
		return -1;
	mapping->written_file = mapping->type == SN__MAPPING_TYPE__MAPPING_FILE && map->shared &&
				flags && flags->may_write;
	return 0;
}

/* Flags for every mapping, from what was read before the freeze where that still holds. */
static const struct smaps_entry *flags_of(const struct reading *r, const struct smaps *fresh,
					  const struct proc_map *map)
{
	return smaps_find(fresh ? fresh : r->smaps, map);
}

static bool is_ours(const struct reading *r, const struct proc_map *map)
{
	return strcmp(map->path, "[vsyscall]") == 0 ||
	       (r->remote && map->start == remote_window(r->remote));
}

int mapping_read(struct reading *r, void *message, struct sn_err *err)
{
	sn_auto(smaps_release) struct smaps fresh = {0};
	bool reread = !r->smaps;
	size_t i;

	(void)message;
	for (i = 0; i < r->maps->len && !reread; i++)
		reread = !is_ours(r, &r->maps->maps[i]) && !flags_of(r, NULL, &r->maps->maps[i]);
	if (reread &&
	    smaps_read(r->smaps ? r->smaps->source : NULL, r->task->pid, &fresh, err) < 0)
		return -1;
	for (i = 0; i < r->maps->len; i++) {
		const struct proc_map *map = &r->maps->maps[i];

		if (is_ours(r, map))
			continue;
		if (read_one(r, map, flags_of(r, reread ? &fresh : NULL, map), err) < 0)
			return -1;
	}
	return 0;
}

int mapping_sketch(Sn__Task *model, pid_t pid, struct sn_err *err)
{
	sn_auto(proc_maps_release) struct proc_maps maps = {0};
	size_t i;

	if (proc_maps(pid, &maps, err) < 0)
		return -1;
	for (i = 0; i < maps.len; i++) {
		const struct proc_map *map = &maps.maps[i];
		Sn__Mapping *mapping;

		if (is_special(map->path) || strcmp(map->path, "[vsyscall]") == 0)
			continue;
		mapping = kind_append(model, mappings, sn__mapping);
		mapping->start = map->start;
		mapping->end = map->end;
		mapping->shared = map->shared;
		mapping->type = map->ino ? SN__MAPPING_TYPE__MAPPING_FILE
					 : SN__MAPPING_TYPE__MAPPING_ANON;
	}
	return 0;
}
