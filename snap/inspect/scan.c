// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/scan.h"

#include "core/base/interrupt.h"

#include <errno.h>

enum {
	BATCH_PAGES = 4096, /* stored ones: the more, the more of them lie together */
	BATCH_PIECES = 8192,
};

enum piece_kind {
	PIECE_ZEROS,
	PIECE_STORED,
	PIECE_FRESH, /* of a living process: they are at hand */
	PIECE_FILE, /* or the vdso: whether it can be read shows when it is */
};

/* Pages that lie one behind the other and are of one kind. */
struct piece {
	enum piece_kind kind;
	uint64_t addr, pages;
	uint64_t loc;
};

struct scan {
	struct inspect *in;
	const struct scan_request *request;
	struct piece pieces[BATCH_PIECES];
	size_t count;
	struct page_run runs[BATCH_PIECES];
	size_t run_count;
	uint64_t pages; /* in the runs */
	uint64_t done, total; /* stored ones */
	uint8_t *buf;
};

static uint64_t page_of(uint64_t addr)
{
	return addr & ~(uint64_t)(PAGE_BYTES - 1);
}

/* ---- what is where ---- */

/* Looks `key` up: true when it is there; *pages of it that are alike, at most as many as given. */
static bool find_run(const struct pagemap *map, uint64_t key, uint64_t *pages, uint64_t *loc)
{
	size_t i = pagemap_seek(map, key);
	const struct page_run *run = i < map->len ? &map->runs[i] : NULL;
	uint64_t most = *pages;

	if (run)
		most = run->key > key ? run->key - key : run->key + run->count - key;
	if (most < *pages)
		*pages = most;
	if (!run || run->key > key)
		return false;
	*loc = run->loc ? run->loc + (key - run->key) : PAGE_LOC_ZERO;
	return true;
}

/* The piece that begins with a page of a mapping, and ends before `end`. */
static struct piece piece_at(const struct inspect *in, const Sn__Mapping *mapping, uint64_t addr,
			     uint64_t end)
{
	struct piece piece = {.addr = addr, .pages = (end - addr) >> PAGE_SHIFT};
	uint64_t offset = mapping->offset_bytes + (addr - mapping->start);
	bool stored = false;

	if (!mapping->shared)
		stored = find_run(&in->map, page_key(in->task->space, addr), &piece.pages,
				  &piece.loc);
	if (!stored && mapping->type == SN__MAPPING_TYPE__MAPPING_OBJECT)
		stored = find_run(&in->map, page_key(mapping->object_id, offset), &piece.pages,
				  &piece.loc);
	if (stored)
		piece.kind = piece.loc == PAGE_LOC_ZERO	     ? PIECE_ZEROS
			     : piece.loc & SNAP_LOC_FRESH ? PIECE_FRESH
							     : PIECE_STORED;
	else if (mapping->type == SN__MAPPING_TYPE__MAPPING_FILE ||
		 mapping->type == SN__MAPPING_TYPE__MAPPING_SPECIAL)
		piece.kind = PIECE_FILE;
	return piece;
}

/* ---- handing on ---- */

/* Cuts off what was not asked for. */
static bool hand_on(struct scan *s, uint64_t addr, const uint8_t *bytes, uint64_t len)
{
	const struct scan_request *r = s->request;
	uint64_t before = addr < r->start ? r->start - addr : 0;
	uint64_t behind = addr + len > r->end ? addr + len - r->end : 0;

	return r->fn(r->arg, addr + before, bytes ? bytes + before : NULL, len - before - behind);
}

/* Page by page; what cannot be read is left out. */
static bool hand_on_pages(struct scan *s, const struct piece *piece)
{
	uint8_t page[PAGE_BYTES];
	struct sn_err ignored;

	for (uint64_t i = 0; i < piece->pages; i++) {
		uint64_t addr = piece->addr + i * PAGE_BYTES;

		if (inspect_read(s->in, addr, page, sizeof(page), &ignored) == 0 &&
		    !hand_on(s, addr, page, sizeof(page)))
			return false;
	}
	return true;
}

static int flush(struct scan *s, bool *stopped, struct sn_err *err)
{
	const uint8_t *bytes = s->buf;
	bool more = true;

	if (sn_interrupted()) {
		sn_fail(err, "Quit"); /* as gdb says it */
		err->code = EINTR;
		return -1;
	}
	catalog_tell(s->in->cat, s->done, s->total);
	s->done += s->pages;
	s->in->pages_read += s->pages;
	if (s->run_count && catalog_runs_read(s->in->cat, s->runs, s->run_count, s->buf, err) < 0)
		return -1;
	for (size_t i = 0; i < s->count && more; i++) {
		const struct piece *piece = &s->pieces[i];
		uint64_t len = piece->pages * PAGE_BYTES;

		if (piece->kind == PIECE_FILE || piece->kind == PIECE_FRESH) {
			more = hand_on_pages(s, piece);
			continue;
		}
		more = hand_on(s, piece->addr, piece->kind == PIECE_ZEROS ? NULL : bytes, len);
		bytes += piece->kind == PIECE_ZEROS ? 0 : len;
	}
	s->count = s->run_count = 0;
	s->pages = 0;
	*stopped = !more;
	return 0;
}

static void add(struct scan *s, struct piece *piece)
{
	if (piece->kind == PIECE_STORED) {
		if (piece->pages > BATCH_PAGES - s->pages)
			piece->pages = BATCH_PAGES - s->pages;
		s->runs[s->run_count++] =
			(struct page_run){piece->addr >> PAGE_SHIFT, piece->pages, piece->loc};
		s->pages += piece->pages;
	}
	s->pieces[s->count++] = *piece;
}

static int scan_mapping(struct scan *s, const Sn__Mapping *mapping, enum scan_depth depth,
			bool *stopped, struct sn_err *err)
{
	uint64_t addr = mapping->start, end = mapping->end;

	if (addr < s->request->start)
		addr = page_of(s->request->start);
	if (end > s->request->end)
		end = page_of(s->request->end + PAGE_BYTES - 1);
	while (addr < end && !*stopped) {
		struct piece piece = piece_at(s->in, mapping, addr, end);

		if (piece.kind != PIECE_FILE || depth == SCAN_ALL)
			add(s, &piece);
		addr += piece.pages * PAGE_BYTES;
		if ((s->pages == BATCH_PAGES || s->count == BATCH_PIECES) &&
		    flush(s, stopped, err) < 0)
			return -1;
	}
	return 0;
}

int scan_memory(struct inspect *in, const struct scan_request *request, bool *stopped,
		struct sn_err *err)
{
	sn_auto_free struct scan *s = sn_calloc(1, sizeof(*s));
	sn_auto_free uint8_t *buf = sn_malloc((size_t)BATCH_PAGES * PAGE_BYTES);
	int rc = 0;

	s->in = in;
	s->request = request;
	s->buf = buf;
	s->total = pagemap_stored(&in->map);
	*stopped = false;
	for (size_t i = 0; i < in->task->n_mappings && rc == 0 && !*stopped; i++) {
		const Sn__Mapping *mapping = in->task->mappings[i];
		enum scan_depth depth = SCAN_ALL;

		if (mapping->start >= request->end || mapping->end <= request->start)
			continue;
		if (request->depth)
			depth = request->depth(request->arg, mapping);
		if (depth != SCAN_NOTHING)
			rc = scan_mapping(s, mapping, depth, stopped, err);
	}
	return rc < 0 || *stopped ? rc : flush(s, stopped, err);
}

uint64_t scan_readable(struct inspect *in, uint64_t start, uint64_t end)
{
	uint64_t addr = page_of(start);
	struct sn_err ignored;
	uint8_t byte;

	while (addr < end) {
		const Sn__Mapping *mapping = memory_mapping(in, addr);
		struct piece piece;

		if (!mapping)
			break;
		piece = piece_at(in, mapping, addr, mapping->end);
		if (piece.kind == PIECE_FILE) {
			if (inspect_read(in, addr, &byte, 1, &ignored) < 0)
				break;
			piece.pages = 1;
		}
		addr += piece.pages * PAGE_BYTES;
	}
	return addr < start ? start : addr > end ? end : addr;
}
