// SPDX-License-Identifier: Apache-2.0
#include "core/kinds/smaps.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "core/base/pagemap.h"

#include <ctype.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	ITER_PAGES = 32768, /* 128 MiB resident: reading smaps takes 7 ms from there on */
	NO_ADVICE = -1,
	VMA_READ = 0x1, /* include/linux/mm.h */
	VMA_WRITE = 0x2,
	VMA_EXEC = 0x4,
	VMA_MAY_WRITE = 0x20,
	VMA_MAY_SHARE = 0x80,
	FLAGS_OF_ONE = 48,
};

static const uint64_t VSYSCALL = UINT64_C(0xffffffffff600000);

/* Flags that a mapping can be given again, and "ac" (accounted: was writable once). */
static const struct {
	const char *name;
	uint32_t bit; /* the kernel's own */
	int advice;   /* the madvise(2) that sets it */
} kept[] = {
	{"gd", 0x100, NO_ADVICE},	    {"lo", 0x2000, NO_ADVICE},
	{"nr", 0x200000, NO_ADVICE},	    {"dd", 0x4000000, MADV_DONTDUMP},
	{"dc", 0x20000, MADV_DONTFORK},	    {"wf", 0x2000000, MADV_WIPEONFORK},
	{"hg", 0x20000000, MADV_HUGEPAGE},  {"nh", 0x40000000, MADV_NOHUGEPAGE},
	{"mg", 0x80000000, MADV_MERGEABLE}, {"sr", 0x8000, MADV_SEQUENTIAL},
	{"rr", 0x10000, MADV_RANDOM},	    {"ht", 0x400000, NO_ADVICE},
	{"ac", 0x100000, NO_ADVICE},	    {"lf", 0x80000, NO_ADVICE},
};

/* ---- from smaps ---- */

static bool is_header(const char *line)
{
	const char *p = line;

	while (isxdigit((unsigned char)*p))
		p++;
	return p > line && *p == '-';
}

static void keep_flag(char *out, size_t i)
{
	size_t used = strlen(out);

	snprintf(out + used, FLAGS_OF_ONE - used, "%s%s", used ? " " : "", kept[i].name);
}

static void keep_flags(const char *line, char *out)
{
	size_t i;

	for (i = 0; i < sn_countof(kept); i++) {
		char token[5];

		snprintf(token, sizeof(token), " %s ", kept[i].name);
		if (strstr(line, token))
			keep_flag(out, i);
	}
}

static int read_text(pid_t pid, struct smaps *smaps, struct sn_err *err)
{
	sn_auto_free char *text = proc_read(pid, "smaps", NULL, err);
	struct smaps_entry *entry = NULL;
	size_t cap = 0;
	char *line, *rest = text;

	if (!text)
		return -1;
	while ((line = strsep(&rest, "\n")) && *line) {
		if (is_header(line)) {
			if (smaps->len == cap) {
				cap = cap ? 2 * cap : 128;
				smaps->entries = sn_realloc(smaps->entries, cap, sizeof(*entry));
			}
			entry = &smaps->entries[smaps->len++];
			*entry = (struct smaps_entry){0};
			sscanf(line, "%lx-%lx %4s %lx", &entry->start, &entry->end, entry->perms,
			       &entry->offset);
		} else if (entry && strncmp(line, "VmFlags:", 8) == 0) {
			keep_flags(line, entry->flags);
			entry->may_write = strstr(line, " mw ");
		}
	}
	return 0;
}

/* ---- from the kernel's list ---- */

static void from_row(struct smaps_entry *entry, const struct vma_row *row)
{
	size_t i;

	*entry = (struct smaps_entry){
		.start = row->start,
		.end = row->end,
		.offset = row->offset,
		.may_write = row->flags & VMA_MAY_WRITE,
	};
	snprintf(entry->perms, sizeof(entry->perms), "%c%c%c%c", row->flags & VMA_READ ? 'r' : '-',
		 row->flags & VMA_WRITE ? 'w' : '-', row->flags & VMA_EXEC ? 'x' : '-',
		 row->flags & VMA_MAY_SHARE ? 's' : 'p');
	for (i = 0; i < sn_countof(kept); i++)
		if (row->flags & kept[i].bit)
			keep_flag(entry->flags, i);
}

static int read_list(const struct vma_iter *iter, pid_t pid, struct smaps *smaps,
		     struct sn_err *err)
{
	sn_auto_free struct vma_row *rows = NULL;
	size_t i;

	if (vma_iter_read(iter, pid, &rows, &smaps->len, err) < 0)
		return -1;
	smaps->entries = sn_malloc(smaps->len * sizeof(*smaps->entries) + 1);
	for (i = 0; i < smaps->len; i++)
		from_row(&smaps->entries[i], &rows[i]);
	return 0;
}

int smaps_read(const struct smaps_source *source, pid_t pid, struct smaps *smaps,
	       struct sn_err *err)
{
	*smaps = (struct smaps){.source = source};
	/* of a process whose first thread has ended the list is empty */
	if (source && source->iter && read_list(source->iter, pid, smaps, err) == 0 && smaps->len)
		return 0;
	smaps_release(smaps);
	smaps->source = source;
	return read_text(pid, smaps, err);
}

/* ---- choosing ---- */

static bool is_same(const struct smaps_entry *a, const struct smaps_entry *b)
{
	return a->start == b->start && a->end == b->end && a->offset == b->offset &&
	       strcmp(a->perms, b->perms) == 0 && strcmp(a->flags, b->flags) == 0 &&
	       a->may_write == b->may_write;
}

/* Whether both tell the same of mappings of ours. */
static bool agree(const struct smaps_source *source)
{
	sn_auto(smaps_release) struct smaps text = {0};
	sn_auto(smaps_release) struct smaps list = {0};
	struct sn_err ignored;
	size_t i;

	if (smaps_read(source, getpid(), &list, &ignored) < 0 ||
	    smaps_read(NULL, getpid(), &text, &ignored) < 0)
		return false;
	while (text.len && text.entries[text.len - 1].start >= VSYSCALL)
		text.len--;
	for (i = 0; i < text.len && i < list.len; i++)
		if (!is_same(&text.entries[i], &list.entries[i]))
			return false;
	return text.len == list.len;
}

/* The numbers of flags are no promise of the kernel's: each that can be set is, and looked at. */
static bool means_the_same(const struct smaps_source *source)
{
	size_t pages = 2 * sn_countof(kept), i;
	uint8_t *area = mmap(NULL, pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool same;

	if (area == MAP_FAILED)
		return false;
	for (i = 0; i < sn_countof(kept); i++)
		if (kept[i].advice != NO_ADVICE)
			madvise(area + 2 * i * PAGE_BYTES, PAGE_BYTES, kept[i].advice);
	same = agree(source);
	munmap(area, pages * PAGE_BYTES);
	return same;
}

static bool is_large(pid_t pid)
{
	struct sn_err ignored;
	sn_auto_free char *statm = proc_read(pid, "statm", NULL, &ignored);
	uint64_t resident = 0;

	return statm && sscanf(statm, "%*u %lu", &resident) == 1 && resident >= ITER_PAGES;
}

void smaps_source_choose(struct smaps_source *source, pid_t pid)
{
	struct sn_err ignored;

	if (source->tried || !is_large(pid))
		return;
	source->tried = true;
	if (vma_iter_open(&source->iter, &ignored) == 0 && !means_the_same(source))
		smaps_source_close(source);
}

void smaps_source_close(struct smaps_source *source)
{
	vma_iter_close(source->iter);
	source->iter = NULL;
}

/* ---- using ---- */

void smaps_release(struct smaps *smaps)
{
	free(smaps->entries);
	*smaps = (struct smaps){0};
}

static bool same_perms(const char *perms, const struct proc_map *map)
{
	return (perms[0] == 'r') == !!(map->prot & PROT_READ) &&
	       (perms[1] == 'w') == !!(map->prot & PROT_WRITE) &&
	       (perms[2] == 'x') == !!(map->prot & PROT_EXEC) && (perms[3] == 's') == map->shared;
}

const struct smaps_entry *smaps_find(const struct smaps *smaps, const struct proc_map *map)
{
	const struct smaps_entry *entry;
	size_t low = 0, high = smaps->len;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (smaps->entries[mid].start < map->start)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == smaps->len)
		return NULL;
	entry = &smaps->entries[low];
	if (entry->start != map->start || entry->end != map->end || entry->offset != map->offset ||
	    !same_perms(entry->perms, map))
		return NULL;
	return entry;
}
