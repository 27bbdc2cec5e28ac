// SPDX-License-Identifier: Apache-2.0
/*
 * Which ELF files the process has, and where. libdwfl gets each with a descriptor of a file
 * that was found unchanged, or as bytes out of the snapshot.
 */
#include "snap/inspect/internal.h"

#include <fcntl.h>
#include <link.h>
#define XXH_STATIC_LINKING_ONLY /* for a state on the stack */
#include <xxhash.h>

enum { LINKS_MAX = 4096, IMAGE_MAX = 1 << 30 };

struct module *modules_at(const struct inspect *in, uint64_t addr)
{
	for (size_t i = 0; i < in->module_count; i++) {
		if (addr >= in->modules[i]->start && addr < in->modules[i]->end)
			return in->modules[i];
	}
	return NULL;
}

uint64_t modules_auxv(const struct inspect *in, uint64_t type)
{
	const ProtobufCBinaryData *auxv;
	ElfW(auxv_t) entry;

	if (!in->task->address_space)
		return 0;
	auxv = &in->task->address_space->auxv;
	for (size_t at = 0; at + sizeof(entry) <= auxv->len; at += sizeof(entry)) {
		memcpy(&entry, auxv->data + at, sizeof(entry));
		if (entry.a_type == type)
			return entry.a_un.a_val;
	}
	return 0;
}

/* ---- finding them ---- */

static bool is_same_file(const Sn__Mapping *a, const Sn__Mapping *b)
{
	if (a->type != b->type)
		return false;
	return a->type == SN__MAPPING_TYPE__MAPPING_OBJECT ? a->object_id == b->object_id
							   : strcmp(a->path, b->path) == 0;
}

/*
 * Whether a program or library begins with mapping i: *end where it ends. Parts of it may be
 * anonymous (.bss) or have been mapped over; the next mapping of the file's start is another.
 */
static bool is_module(const Sn__Task *task, size_t i, uint64_t *end)
{
	const Sn__Mapping *first = task->mappings[i];
	bool code = false;

	if (first->offset_bytes != 0 || first->shared)
		return false;
	if (first->type != SN__MAPPING_TYPE__MAPPING_FILE &&
	    first->type != SN__MAPPING_TYPE__MAPPING_OBJECT)
		return false;
	for (; i < task->n_mappings; i++) {
		const Sn__Mapping *mapping = task->mappings[i];

		if (!is_same_file(first, mapping))
			continue;
		if (mapping != first && mapping->offset_bytes == 0)
			break;
		code |= (mapping->prot & 4) != 0;
		*end = mapping->end;
	}
	return code;
}

static struct module *add_module(struct inspect *in, const char *path, uint64_t start, uint64_t end)
{
	struct module *module = inspect_alloc(in, sizeof(*module));

	module->in = in;
	module->path = module->name = inspect_strdup(in, path);
	module->start = start;
	module->end = end;
	in->modules = sn_realloc(in->modules, in->module_count + 1, sizeof(*in->modules));
	in->modules[in->module_count++] = module;
	return module;
}

/* ---- telling libdwfl ---- */

static int find_elf(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
		    char **file_name, Elf **elf)
{
	struct module *module = *userdata;

	(void)mod;
	(void)name;
	(void)base;
	*file_name = NULL;
	*elf = module && module->image ? elf_memory((char *)module->image, module->image_len)
				       : NULL;
	return -1;
}

static void set_userdata(struct module *module)
{
	void **userdata;

	dwfl_module_info(module->dwfl, &userdata, &module->start, &module->end, NULL, NULL, NULL,
			 NULL);
	*userdata = module;
}

/* From bytes of the snapshot. */
static void report_image(struct inspect *in, struct module *module)
{
	module->dwfl = dwfl_report_module(in->dwfl, module->path, module->start, module->end);
	if (module->dwfl)
		set_userdata(module);
}

static void report_special(struct inspect *in, const Sn__Mapping *mapping)
{
	struct module *module;
	struct sn_err ignored;
	size_t len = mapping->end - mapping->start;
	sn_auto_free uint8_t *bytes = NULL;

	if (strcmp(mapping->path, "[vdso]") != 0 || len > IMAGE_MAX)
		return;
	bytes = sn_malloc(len);
	if (inspect_read(in, mapping->start, bytes, len, &ignored) < 0)
		return;
	module = add_module(in, mapping->path, mapping->start, mapping->end);
	module->image = sn_steal_ptr(&bytes);
	module->image_len = len;
	report_image(in, module);
}

/* A program whose file has no name: all of it is in the snapshot, page by page. */
static void report_object(struct inspect *in, const Sn__Mapping *mapping, uint64_t end)
{
	const Sn__MemoryObject *object = NULL;
	struct module *module;
	struct sn_err ignored;
	size_t i;

	for (i = 0; i < in->image->n_objects; i++) {
		if (in->image->objects[i]->id == mapping->object_id)
			object = in->image->objects[i];
	}
	if (!object || object->size_bytes < SELFMAG || object->size_bytes > IMAGE_MAX)
		return;
	module = add_module(in, object->name, mapping->start, end);
	module->image_len = object->size_bytes;
	module->image = sn_calloc(1, object->size_bytes + PAGE_BYTES);
	for (i = 0; i < object->size_bytes; i += PAGE_BYTES) {
		uint64_t loc;

		if (memory_locate(in, page_key(object->id, i), &loc, &ignored) == 1 &&
		    loc != PAGE_LOC_ZERO &&
		    catalog_pages_read(in->cat, loc, 1, module->image + i, &ignored) < 0)
			return;
	}
	if (memcmp(module->image, ELFMAG, SELFMAG) == 0)
		report_image(in, module);
}

static void report_file(struct inspect *in, const Sn__Mapping *mapping, uint64_t end)
{
	struct module *module = add_module(in, mapping->path, mapping->start, end);
	struct sn_err why;
	char magic[SELFMAG] = "";
	int fd = memory_file(in, mapping, &why);

	if (fd < 0) {
		inspect_note_add(in, sn_asprintf("%s: its names are not known", why.text));
		return;
	}
	if (pread(fd, magic, SELFMAG, 0) != SELFMAG || memcmp(magic, ELFMAG, SELFMAG) != 0)
		return;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	module->dwfl =
		dwfl_report_elf(in->dwfl, module->path, module->path, fd, mapping->start, false);
	if (module->dwfl) {
		set_userdata(module);
		return;
	}
	inspect_note_add(in, sn_asprintf("%s: %s; its names are not known", module->path,
					 dwfl_errmsg(-1)));
	close(fd);
}

static void report_all(struct inspect *in)
{
	const Sn__AddressSpace *space = in->task->address_space;

	for (size_t i = 0; i < in->task->n_mappings; i++) {
		const Sn__Mapping *mapping = in->task->mappings[i];
		size_t before = in->module_count;
		uint64_t end;

		if (mapping->type == SN__MAPPING_TYPE__MAPPING_SPECIAL)
			report_special(in, mapping);
		else if (!is_module(in->task, i, &end))
			continue;
		else if (mapping->type == SN__MAPPING_TYPE__MAPPING_FILE)
			report_file(in, mapping, end);
		else
			report_object(in, mapping, end);
		if (in->module_count > before && space && space->start_code >= mapping->start &&
		    space->start_code < in->modules[before]->end)
			in->modules[before]->is_main = true;
	}
}

static void add_words(XXH3_state_t *sum, const uint64_t *words, size_t count)
{
	XXH3_64bits_update(sum, words, count * sizeof(*words));
}

static void add_mapping(XXH3_state_t *sum, const Sn__Mapping *mapping, uint64_t end)
{
	const Sn__FileId *id = mapping->file;
	const uint64_t words[] = {
		mapping->start,	       end,
		mapping->type,	       id ? id->dev : 0,
		id ? id->ino : 0,      id ? id->size_bytes : 0,
		id ? id->mtime_ns : 0,
	};

	add_words(sum, words, sn_countof(words));
	XXH3_64bits_update(sum, mapping->path, strlen(mapping->path) + 1);
}

static void add_object(XXH3_state_t *sum, const Sn__Image *image, uint32_t id)
{
	for (size_t i = 0; i < image->n_objects; i++) {
		const Sn__MemoryObject *object = image->objects[i];
		const uint64_t words[] = {id, object->dev, object->ino, object->size_bytes};

		if (object->id == id)
			add_words(sum, words, sn_countof(words));
	}
}

uint64_t modules_layout(const struct inspect *in)
{
	const Sn__AddressSpace *space = in->task->address_space;
	const uint64_t words[] = {in->task->pid, space ? space->start_code : 0};
	XXH3_state_t sum;

	XXH3_64bits_reset(&sum);
	add_words(&sum, words, sn_countof(words));
	for (size_t i = 0; i < in->task->n_mappings; i++) {
		const Sn__Mapping *mapping = in->task->mappings[i];
		uint64_t end = mapping->end;

		if (mapping->type != SN__MAPPING_TYPE__MAPPING_SPECIAL &&
		    !is_module(in->task, i, &end))
			continue;
		add_mapping(&sum, mapping, end);
		if (mapping->type == SN__MAPPING_TYPE__MAPPING_OBJECT)
			add_object(&sum, in->image, mapping->object_id);
	}
	return XXH3_64bits_digest(&sum);
}

/* ---- the dynamic linker's list ---- */

/* Address of struct r_debug: DT_DEBUG in the program's dynamic section, 0 for a static one. */
static uint64_t find_r_debug(struct inspect *in)
{
	uint64_t phdr_at = modules_auxv(in, AT_PHDR), count = modules_auxv(in, AT_PHNUM);
	uint64_t bias = 0, dynamic = 0;
	struct sn_err ignored;
	ElfW(Phdr) phdr;
	ElfW(Dyn) dyn;

	for (uint64_t i = 0; i < count && i < 1024; i++) {
		if (inspect_read(in, phdr_at + i * sizeof(phdr), &phdr, sizeof(phdr), &ignored) < 0)
			return 0;
		if (phdr.p_type == PT_PHDR)
			bias = phdr_at - phdr.p_vaddr;
		if (phdr.p_type == PT_DYNAMIC)
			dynamic = phdr.p_vaddr;
	}
	for (size_t i = 0; dynamic && i < 1024; i++) {
		if (inspect_read(in, bias + dynamic + i * sizeof(dyn), &dyn, sizeof(dyn),
				 &ignored) < 0 ||
		    dyn.d_tag == DT_NULL)
			return 0;
		if (dyn.d_tag == DT_DEBUG)
			return dyn.d_un.d_ptr;
	}
	return 0;
}

static void name_module(struct inspect *in, uint64_t at, const struct link_map *map, size_t order)
{
	struct module *module = modules_at(in, (uint64_t)map->l_ld);
	sn_auto_free char *name = NULL;

	if (!module)
		return;
	module->link_map = at;
	module->link_bias = map->l_addr;
	module->link_dynamic = (uint64_t)map->l_ld;
	module->link_order = order;
	name = memory_string(in, (uint64_t)map->l_name, PATH_MAX);
	if (name && *name)
		module->name = inspect_strdup(in, name);
}

static void read_links(struct inspect *in)
{
	uint64_t debug_at = find_r_debug(in), at;
	struct r_debug debug;
	struct sn_err ignored;
	struct link_map map;

	if (!debug_at || inspect_read(in, debug_at, &debug, sizeof(debug), &ignored) < 0)
		return;
	at = (uint64_t)debug.r_map;
	for (size_t i = 0; at && i < LINKS_MAX; i++) {
		if (inspect_read(in, at, &map, sizeof(map), &ignored) < 0)
			return;
		name_module(in, at, &map, i + 1);
		in->link_count = i + 1;
		at = (uint64_t)map.l_next;
	}
}

int modules_open(struct inspect *in, struct sn_err *err)
{
	in->callbacks = (Dwfl_Callbacks){.find_elf = find_elf};
	debug_files_callbacks(in->debug, &in->callbacks);
	elf_version(EV_CURRENT);
	in->dwfl = dwfl_begin(&in->callbacks);
	if (!in->dwfl)
		return sn_fail(err, "libdwfl: %s", dwfl_errmsg(-1));
	dwfl_report_begin(in->dwfl);
	report_all(in);
	dwfl_report_end(in->dwfl, NULL, NULL);
	read_links(in);
	return 0;
}

void modules_close(struct inspect *in)
{
	if (in->dwfl)
		dwfl_end(in->dwfl);
	for (size_t i = 0; i < in->module_count; i++)
		free(in->modules[i]->image);
	free(in->modules);
}
