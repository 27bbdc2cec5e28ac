// SPDX-License-Identifier: Apache-2.0
/*
 * A snapshot as an ELF core, core(5). What is zeros is a hole in the file. Contents that a
 * mapped file still has are left to the file, as the kernel does, but for the first page of an
 * ELF file, by which a debugger knows that it has the right one.
 */
#include "snap/inspect/core_notes.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { CHUNK_PAGES = 256 };

struct core {
	struct inspect *in;
	int fd;
	Elf64_Phdr *segments;
	size_t count, cap;
	uint8_t *chunk;
};

static void core_release(struct core *core)
{
	if (core->fd >= 0)
		close(core->fd);
	free(core->segments);
	free(core->chunk);
}

static int write_at(struct core *core, const void *bytes, size_t len, uint64_t at,
		    struct sn_err *err)
{
	const uint8_t *from = bytes;

	while (len > 0) {
		ssize_t n = pwrite(core->fd, from, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return sn_fail_sys(err, "write the core");
		from += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

/* ---- which segments there are ---- */

static Elf64_Phdr *add_segment(struct core *core, const Sn__Mapping *mapping, uint64_t start,
			       uint64_t end, uint64_t filled)
{
	Elf64_Phdr *segment;

	if (core->count == core->cap) {
		core->cap = core->cap ? 2 * core->cap : 64;
		core->segments = sn_realloc(core->segments, core->cap, sizeof(*core->segments));
	}
	segment = &core->segments[core->count++];
	*segment = (Elf64_Phdr){
		.p_type = PT_LOAD,
		/* PROT_ and PF_ have the same three bits in other places */
		.p_flags = (mapping->prot & 1 ? PF_R : 0) | (mapping->prot & 2 ? PF_W : 0) |
			   (mapping->prot & 4 ? PF_X : 0),
		.p_vaddr = start,
		.p_filesz = filled,
		.p_memsz = end - start,
		.p_align = PAGE_BYTES,
	};
	return segment;
}

static bool has_pages(const struct inspect *in, const Sn__Mapping *mapping)
{
	uint64_t key = page_key(in->task->space, mapping->start);
	size_t i = pagemap_seek(&in->map, key);

	return !mapping->shared && i < in->map.len &&
	       in->map.runs[i].key < page_key(in->task->space, mapping->end);
}

/* Of a file that cannot be read any more: the private pages, each run a segment. */
static void add_runs(struct core *core, const Sn__Mapping *mapping)
{
	const struct pagemap *map = &core->in->map;
	uint64_t at = mapping->start;

	for (size_t i = pagemap_seek(map, page_key(core->in->task->space, at)); i < map->len; i++) {
		uint64_t start = page_key_addr(map->runs[i].key), end;

		if (page_key_space(map->runs[i].key) != core->in->task->space ||
		    start >= mapping->end)
			break;
		end = start + map->runs[i].count * PAGE_BYTES;
		start = start > at ? start : at;
		end = end < mapping->end ? end : mapping->end;
		if (start > at)
			add_segment(core, mapping, at, start, 0);
		add_segment(core, mapping, start, end, end - start);
		at = end;
	}
	if (at < mapping->end)
		add_segment(core, mapping, at, mapping->end, 0);
}

static void add_file(struct core *core, const Sn__Mapping *mapping)
{
	struct sn_err ignored;
	char magic[SELFMAG];
	int fd = memory_file(core->in, mapping, &ignored);

	if (fd < 0 && has_pages(core->in, mapping))
		add_runs(core, mapping);
	else if (has_pages(core->in, mapping))
		add_segment(core, mapping, mapping->start, mapping->end,
			    mapping->end - mapping->start);
	else if (fd >= 0 && mapping->offset_bytes == 0 && pread(fd, magic, SELFMAG, 0) == SELFMAG &&
		 memcmp(magic, ELFMAG, SELFMAG) == 0)
		add_segment(core, mapping, mapping->start, mapping->end, PAGE_BYTES);
	else
		add_segment(core, mapping, mapping->start, mapping->end, 0);
}

static void add_mapping(struct core *core, const Sn__Mapping *mapping)
{
	bool special = mapping->type == SN__MAPPING_TYPE__MAPPING_SPECIAL;
	struct sn_err ignored;
	uint8_t byte;

	if (mapping->type == SN__MAPPING_TYPE__MAPPING_FILE)
		add_file(core, mapping);
	else
		add_segment(core, mapping, mapping->start, mapping->end,
			    special && inspect_read(core->in, mapping->start, &byte, 1, &ignored) <
						    0
				    ? 0
				    : mapping->end - mapping->start);
}

/* ---- contents ---- */

/* The pages of [key, end) that are not zeros, to the file from `at` on. */
static int write_pages(struct core *core, uint64_t key, uint64_t end, uint64_t at,
		       struct sn_err *err)
{
	const struct pagemap *map = &core->in->map;

	for (size_t i = pagemap_seek(map, key); i < map->len && map->runs[i].key < end; i++) {
		const struct page_run *run = &map->runs[i];
		uint64_t from = run->key > key ? run->key : key;
		uint64_t stop = run->key + run->count < end ? run->key + run->count : end;

		while (run->loc != PAGE_LOC_ZERO && from < stop) {
			uint64_t n = stop - from < CHUNK_PAGES ? stop - from : CHUNK_PAGES;

			if (catalog_pages_read(core->in->cat, run->loc + (from - run->key), n,
					       core->chunk, err) < 0 ||
			    write_at(core, core->chunk, n * PAGE_BYTES,
				     at + (from - key) * PAGE_BYTES, err) < 0)
				return -1;
			from += n;
		}
	}
	return 0;
}

/* A page at a time as it is read by address; what a file does not have stays zeros. */
static int write_file_pages(struct core *core, const Elf64_Phdr *segment, struct sn_err *err)
{
	struct sn_err ignored;

	for (uint64_t done = 0; done < segment->p_filesz; done += PAGE_BYTES) {
		if (inspect_read(core->in, segment->p_vaddr + done, core->chunk, PAGE_BYTES,
				 &ignored) == 0 &&
		    write_at(core, core->chunk, PAGE_BYTES, segment->p_offset + done, err) < 0)
			return -1;
	}
	return 0;
}

static int write_segment(struct core *core, const Elf64_Phdr *segment, struct sn_err *err)
{
	const Sn__Mapping *mapping = memory_mapping(core->in, segment->p_vaddr);
	uint64_t pages = segment->p_filesz / PAGE_BYTES, key;

	if (!pages)
		return 0;
	if (mapping->type == SN__MAPPING_TYPE__MAPPING_FILE ||
	    mapping->type == SN__MAPPING_TYPE__MAPPING_SPECIAL)
		return write_file_pages(core, segment, err);
	if (mapping->type == SN__MAPPING_TYPE__MAPPING_OBJECT) {
		key = page_key(mapping->object_id, mapping->offset_bytes);
		if (write_pages(core, key, key + pages, segment->p_offset, err) < 0)
			return -1;
	}
	key = page_key(core->in->task->space, segment->p_vaddr);
	/* private pages over the object's */
	if (mapping->shared)
		return 0;
	if (mapping->type == SN__MAPPING_TYPE__MAPPING_OBJECT && has_pages(core->in, mapping))
		return write_file_pages(core, segment, err);
	return write_pages(core, key, key + pages, segment->p_offset, err);
}

/* ---- the file ---- */

static uint64_t page_up(uint64_t bytes)
{
	return (bytes + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
}

/* Header, program headers, notes; with more headers than e_phnum can count, elf(5) has them in a
 * section header. Places the segments; the file's size in *bytes. */
static int write_head(struct core *core, const struct core_notes *notes, uint64_t *bytes,
		      struct sn_err *err)
{
	size_t count = core->count + 1, phdr_bytes = count * sizeof(Elf64_Phdr);
	bool many = count >= PN_XNUM;
	Elf64_Shdr shdr = {.sh_info = (uint32_t)count};
	Elf64_Ehdr head = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(head),
		.e_ehsize = sizeof(head),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = many ? PN_XNUM : (uint16_t)count,
		.e_shoff = many ? sizeof(head) + phdr_bytes : 0,
		.e_shentsize = sizeof(shdr),
		.e_shnum = many,
	};
	Elf64_Phdr note = {
		.p_type = PT_NOTE,
		.p_offset = sizeof(head) + phdr_bytes + sizeof(shdr),
		.p_filesz = notes->len,
		.p_align = 4,
	};
	uint64_t at = page_up(note.p_offset + notes->len);

	for (size_t i = 0; i < core->count; i++) {
		core->segments[i].p_offset = at;
		at += core->segments[i].p_filesz;
	}
	*bytes = at;
	if (write_at(core, &head, sizeof(head), 0, err) < 0 ||
	    write_at(core, &note, sizeof(note), sizeof(head), err) < 0 ||
	    write_at(core, core->segments, core->count * sizeof(*core->segments),
		     sizeof(head) + sizeof(note), err) < 0 ||
	    write_at(core, &shdr, sizeof(shdr), sizeof(head) + phdr_bytes, err) < 0)
		return -1;
	return write_at(core, notes->bytes, notes->len, note.p_offset, err);
}

static int write_all(struct core *core, uint64_t *bytes, struct sn_err *err)
{
	sn_auto(core_notes_release) struct core_notes notes = {0};

	core_notes_make(core->in, &notes);
	for (size_t i = 0; i < core->in->task->n_mappings; i++)
		add_mapping(core, core->in->task->mappings[i]);
	if (write_head(core, &notes, bytes, err) < 0)
		return -1;
	if (ftruncate(core->fd, (off_t)*bytes) < 0)
		return sn_fail_sys(err, "make the core %lu bytes long", *bytes);
	for (size_t i = 0; i < core->count; i++) {
		if (write_segment(core, &core->segments[i], err) < 0)
			return -1;
	}
	return 0;
}

int inspect_core(struct inspect *in, const char *path, uint64_t *bytes, struct sn_err *err)
{
	sn_auto_free char *part = sn_asprintf("%s.part", path);
	sn_auto(core_release) struct core core = {.in = in, .fd = -1};

	unlink(part);
	core.fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (core.fd < 0)
		return sn_fail_sys(err, "create %s", part);
	core.chunk = sn_malloc((size_t)CHUNK_PAGES * PAGE_BYTES);
	if (write_all(&core, bytes, err) == 0) {
		if (rename(part, path) == 0)
			return 0;
		sn_fail_sys(err, "create %s", path);
	}
	unlink(part);
	return -1;
}
