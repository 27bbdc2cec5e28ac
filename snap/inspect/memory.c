// SPDX-License-Identifier: Apache-2.0
/*
 * The process's memory by address, out of the snapshot: page map, memory objects, and the
 * files on disk that are still what they were.
 */
#include "core/base/interrupt.h"
#include "snap/fill.h"
#include "snap/inspect/changes.h"
#include "snap/inspect/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <xxhash.h>

enum { CACHE_PAGES = 256, COMMAND_LINE_MAX = 1 << 24 };

struct memory_cache {
	struct {
		uint64_t addr; /* of the page; 0: empty, page 0 is never mapped */
		int64_t id;    /* the snapshot it was last found to be right for */
		struct page_source source;
		uint8_t bytes[PAGE_BYTES];
	} pages[CACHE_PAGES];
};

struct mapped_file {
	const Sn__Mapping *mapping;
	int fd;	   /* -1: cannot be used */
	char *why; /* malloc'd */
};

/* Which mapping a file is of is the image's; so is what it must not have changed since. */
void memory_moved(struct inspect *in)
{
	for (size_t i = 0; i < in->file_count; i++) {
		if (in->files[i].fd >= 0)
			close(in->files[i].fd);
		free(in->files[i].why);
	}
	free(in->files);
	in->files = NULL;
	in->file_count = 0;
}

void memory_release(struct inspect *in)
{
	memory_moved(in);
	free(in->cache);
}

const Sn__Mapping *memory_mapping(const struct inspect *in, uint64_t addr)
{
	size_t low = 0, high = in->task->n_mappings;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (in->task->mappings[mid]->end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == in->task->n_mappings || in->task->mappings[low]->start > addr)
		return NULL;
	return in->task->mappings[low];
}

/* ---- files ---- */

/* Size and time of change are as the image has them; 0 and 0: it has none. */
static bool is_unchanged(const Sn__FileId *id, const struct stat *st)
{
	uint64_t mtime_ns =
		(uint64_t)st->st_mtim.tv_sec * 1000000000 + (uint64_t)st->st_mtim.tv_nsec;

	if (!id || (!id->size_bytes && !id->mtime_ns))
		return true;
	return (uint64_t)st->st_size == id->size_bytes && mtime_ns == id->mtime_ns;
}

static void open_file(struct mapped_file *file)
{
	const Sn__Mapping *mapping = file->mapping;
	struct stat st;

	file->fd = open(mapping->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file->fd < 0 || fstat(file->fd, &st) < 0) {
		file->why = sn_asprintf("%s: %m", mapping->path);
	} else if (!S_ISREG(st.st_mode)) {
		file->why = sn_asprintf("%s is no file of contents", mapping->path);
	} else if (!is_unchanged(mapping->file, &st)) {
		file->why = sn_asprintf("%s changed since the snapshot", mapping->path);
	} else {
		return;
	}
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

int memory_file(struct inspect *in, const Sn__Mapping *mapping, struct sn_err *err)
{
	struct mapped_file *file;
	size_t i;

	for (i = 0; i < in->file_count; i++) {
		const Sn__Mapping *known = in->files[i].mapping;

		if (known == mapping || (strcmp(known->path, mapping->path) == 0 && known->file &&
					 mapping->file && known->file->ino == mapping->file->ino))
			break;
	}
	if (i == in->file_count) {
		in->files = sn_realloc(in->files, i + 1, sizeof(*in->files));
		in->files[i] = (struct mapped_file){.mapping = mapping, .fd = -1};
		in->file_count++;
		open_file(&in->files[i]);
	}
	file = &in->files[i];
	return file->fd >= 0 ? file->fd : sn_fail(err, "%s", file->why);
}

/* The code tells those who want to know; the words are gdb's. */
int memory_none(uint64_t addr, struct sn_err *err)
{
	sn_fail(err, "Cannot access memory at address 0x%lx", addr);
	err->code = EFAULT;
	return -1;
}

static int read_file_page(struct inspect *in, const Sn__Mapping *mapping, uint64_t addr,
			  uint8_t *buf, struct sn_err *err)
{
	uint64_t offset = mapping->offset_bytes + (addr - mapping->start);
	struct sn_err why;
	size_t done = 0;
	int fd = memory_file(in, mapping, &why);

	if (fd < 0)
		return sn_fail(err, "Cannot access memory at address 0x%lx: %s", addr, why.text);
	while (done < PAGE_BYTES) {
		ssize_t n = pread(fd, buf + done, PAGE_BYTES - done, (off_t)(offset + done));

		if (n < 0)
			return sn_fail_sys(err, "read %s", mapping->path);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	if (done == 0)
		return memory_none(addr, err);
	memset(buf + done, 0, PAGE_BYTES - done);
	return 0;
}

/*
 * The vdso is the kernel's and no snapshot has it; where the kernel is still the same one, ours
 * has the same bytes.
 */
static int read_vdso_page(struct inspect *in, const Sn__Mapping *mapping, uint64_t addr,
			  uint8_t *buf, struct sn_err *err)
{
	uint64_t own = strcmp(mapping->path, "[vdso]") == 0 ? getauxval(AT_SYSINFO_EHDR) : 0;
	struct utsname host;

	if (!own || uname(&host) < 0 || !in->image->host ||
	    strcmp(host.release, in->image->host->release) != 0)
		return memory_none(addr, err);
	memcpy(buf, (const uint8_t *)own + (addr - mapping->start), PAGE_BYTES);
	return 0;
}

/* ---- pages ---- */

int memory_run_read(struct inspect *in, uint64_t loc, uint64_t count, uint8_t *buf,
		    struct sn_err *err)
{
	uint64_t first = loc & ~SNAP_LOC_FRESH;

	in->pages_read += loc == PAGE_LOC_ZERO ? 0 : count;
	if (!(loc & SNAP_LOC_FRESH))
		return fill_read(in->cat, loc, count, buf, err);
	if (first > in->fresh_count || count > in->fresh_count - first)
		return sn_fail(err, "the keeper's answer has no page %lu", first);
	memcpy(buf, in->fresh + first * PAGE_BYTES, count * PAGE_BYTES);
	return 0;
}

uint64_t memory_object_key(const Sn__Mapping *mapping, uint64_t addr)
{
	return page_key(mapping->object_id, mapping->offset_bytes + (addr - mapping->start));
}

bool memory_key(const struct inspect *in, const Sn__Mapping *mapping, uint64_t addr, uint64_t *key)
{
	bool object = mapping->type == SN__MAPPING_TYPE__MAPPING_OBJECT;

	if (mapping->shared && !object)
		return false;
	*key = mapping->shared ? memory_object_key(mapping, addr) : page_key(in->task->space, addr);
	return true;
}

int memory_locate(struct inspect *in, uint64_t key, uint64_t *loc, struct sn_err *err)
{
	if (in->locator)
		return catalog_locate(in->locator, in->id, key, loc, err);
	return pagemap_find(&in->map, key, loc);
}

static uint64_t file_sum(const Sn__Mapping *mapping, uint64_t addr)
{
	const Sn__FileId *id = mapping->file;
	const uint64_t words[] = {
		mapping->offset_bytes + (addr - mapping->start),
		id ? id->dev : 0,
		id ? id->ino : 0,
		id ? id->size_bytes : 0,
		id ? id->mtime_ns : 0,
	};

	return XXH3_64bits_withSeed(mapping->path, strlen(mapping->path),
				    XXH3_64bits(words, sizeof(words)));
}

/* What a page is that is not stored. */
static struct page_source unstored(const Sn__Mapping *mapping, uint64_t addr)
{
	switch (mapping->type) {
	case SN__MAPPING_TYPE__MAPPING_FILE:
		if (mapping->written_file)
			return (struct page_source){.kind = SOURCE_UNKNOWN};
		return (struct page_source){SOURCE_FILE, file_sum(mapping, addr)};
	case SN__MAPPING_TYPE__MAPPING_SPECIAL:
		return (struct page_source){.kind = SOURCE_VDSO};
	default:
		return (struct page_source){.kind = SOURCE_ZERO};
	}
}

/* Of a page that was assigned to, or is stored. 1; 0: it is neither. */
static int mapped_source(struct inspect *in, uint64_t key, struct page_source *source,
			 struct sn_err *err)
{
	uint64_t loc = PAGE_LOC_ZERO;
	int stored;

	if (changes_page(in, key)) {
		*source = (struct page_source){SOURCE_ASSIGNED, key};
		return 1;
	}
	stored = memory_locate(in, key, &loc, err);
	if (stored <= 0)
		return stored;
	*source = loc == PAGE_LOC_ZERO ? (struct page_source){.kind = SOURCE_ZERO}
				       : (struct page_source){SOURCE_STORED, loc};
	return 1;
}

int memory_source(struct inspect *in, uint64_t addr, struct page_source *source,
		  const Sn__Mapping **mapping_out, struct sn_err *err)
{
	const Sn__Mapping *mapping = memory_mapping(in, addr);
	int found = 0;

	*mapping_out = mapping;
	*source = (struct page_source){.kind = SOURCE_NONE};
	if (!mapping)
		return 0;
	if (!mapping->shared)
		found = mapped_source(in, page_key(in->task->space, addr), source, err);
	if (found == 0 && mapping->type == SN__MAPPING_TYPE__MAPPING_OBJECT)
		found = mapped_source(in, memory_object_key(mapping, addr), source, err);
	if (found == 0)
		*source = unstored(mapping, addr);
	return found < 0 ? -1 : 0;
}

bool memory_is_same(struct page_source a, struct page_source b)
{
	return a.kind == b.kind && a.number == b.number && a.kind != SOURCE_UNKNOWN &&
	       a.kind != SOURCE_ASSIGNED;
}

static int read_page(struct inspect *in, const struct page_source *source,
		     const Sn__Mapping *mapping, uint64_t addr, uint8_t *buf, struct sn_err *err)
{
	switch (source->kind) {
	case SOURCE_NONE:
		return memory_none(addr, err);
	case SOURCE_STORED:
		return memory_run_read(in, source->number, 1, buf, err);
	case SOURCE_ASSIGNED:
		memcpy(buf, changes_page(in, source->number), PAGE_BYTES);
		return 0;
	case SOURCE_FILE:
	case SOURCE_UNKNOWN:
		return read_file_page(in, mapping, addr, buf, err);
	case SOURCE_VDSO:
		return read_vdso_page(in, mapping, addr, buf, err);
	case SOURCE_ZERO:
		break;
	}
	memset(buf, 0, PAGE_BYTES);
	return 0;
}

/* A page, through the cache; from another snapshot when it is the same there. */
static const uint8_t *page_at(struct inspect *in, uint64_t addr, struct sn_err *err)
{
	size_t slot = (addr >> PAGE_SHIFT) % CACHE_PAGES;
	const Sn__Mapping *mapping;
	struct page_source source;

	if (!in->cache)
		in->cache = sn_calloc(1, sizeof(*in->cache));
	if (in->cache->pages[slot].addr == addr && addr && in->cache->pages[slot].id == in->id) {
		reads_page(in->reads, addr, in->cache->pages[slot].source);
		return in->cache->pages[slot].bytes;
	}
	if (memory_source(in, addr, &source, &mapping, err) < 0)
		return NULL;
	reads_page(in->reads, addr, source);
	if (in->cache->pages[slot].addr != addr || !addr ||
	    !memory_is_same(in->cache->pages[slot].source, source)) {
		in->cache->pages[slot].addr = 0;
		if (read_page(in, &source, mapping, addr, in->cache->pages[slot].bytes, err) < 0)
			return NULL;
		in->cache->pages[slot].addr = addr;
		in->cache->pages[slot].source = source;
	}
	in->cache->pages[slot].id = in->id;
	return in->cache->pages[slot].bytes;
}

int inspect_read(struct inspect *in, uint64_t addr, void *buf, size_t len, struct sn_err *err)
{
	uint8_t *out = buf;

	if (sn_interrupted()) {
		sn_fail(err, "Quit"); /* as gdb says it */
		err->code = EINTR;
		return -1;
	}
	while (len > 0) {
		size_t within = addr & (PAGE_BYTES - 1);
		size_t n = PAGE_BYTES - within < len ? PAGE_BYTES - within : len;
		const uint8_t *page = page_at(in, addr - within, err);

		if (!page) /* gdb names the first byte that cannot be read */
			return strncmp(err->text, "Cannot", 6) == 0 && !strchr(err->text, ':')
				       ? memory_none(addr, err)
				       : -1;
		memcpy(out, page + within, n);
		out += n;
		addr += n;
		len -= n;
	}
	return 0;
}

int memory_read_u64(struct inspect *in, uint64_t addr, uint64_t *value, struct sn_err *err)
{
	return inspect_read(in, addr, value, sizeof(*value), err);
}

char *memory_string(struct inspect *in, uint64_t addr, size_t max)
{
	char *text = sn_malloc(max + 1);
	struct sn_err ignored;
	size_t len = 0;

	for (; len < max; len++) {
		if (inspect_read(in, addr + len, text + len, 1, &ignored) < 0) {
			free(text);
			return NULL;
		}
		if (!text[len])
			break;
	}
	text[len] = '\0';
	return text;
}

char *inspect_command_line(struct inspect *in)
{
	const Sn__AddressSpace *space = in->task->address_space;
	size_t len = space && space->arg_end > space->arg_start ? space->arg_end - space->arg_start
								: 0;
	sn_auto_free char *text = NULL;
	struct sn_err ignored;

	if (!len || len > COMMAND_LINE_MAX)
		return NULL;
	text = sn_calloc(len + 1, 1);
	if (inspect_read(in, space->arg_start, text, len, &ignored) < 0)
		return NULL;
	for (size_t i = 0; i + 1 < len; i++) {
		if (!text[i])
			text[i] = ' ';
	}
	return sn_steal_ptr(&text);
}

void memory_forget(struct inspect *in)
{
	for (size_t i = 0; in->cache && i < CACHE_PAGES; i++)
		in->cache->pages[i].addr = 0;
}
