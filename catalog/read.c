/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading pages and their checksums: locations in, verified contents out.
 *
 *	find      index entries, one step further where a page has moved
 *	contents  in the order in which they lie, neighbours in one go
 *	bases     of differences: the full pages, in the same way
 *	verify    every page against its checksum
 *
 * A call may run on many threads. Locations never change, and files of a pack are never
 * changed below its committed length; what gc moves it moves by another index.
 */
#include "catalog/read.h"

#include "catalog/encode.h"
#include "catalog/internal.h"
#include "core/base/guard.h"
#include "core/base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <xxh_x86dispatch.h>

enum {
	BATCH_PAGES = 4096,       /* of a list: the more, the more of it lies together */
	ENTRIES_MAX = 2048,       /* read in one go, those between the wanted ones included */
	ENTRIES_GAP = 256,
	SPAN_BYTES = 256 << 10,   /* of contents in one go */
	TRIES = 3,                /* while gc moves pages */
};

/* ---- the index ---- */

static int by_page(const void *a, const void *b)
{
	const struct page_read *x = a, *y = b;

	if (x->pack != y->pack)
		return x->pack < y->pack ? -1 : 1;
	return x->page < y->page ? -1 : x->page > y->page;
}

static int by_offset(const void *a, const void *b)
{
	const struct page_read *x = a, *y = b;

	if (x->pack != y->pack)
		return x->pack < y->pack ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void sort(struct page_read *reads, size_t count,
		 int (*compare)(const void *a, const void *b))
{
	for (size_t i = 1; i < count; i++)
		if (compare(&reads[i - 1], &reads[i]) > 0) {
			qsort(reads, count, sizeof(*reads), compare);
			return;
		}
}

static int damaged(const struct page_read *read, struct sn_err *err)
{
	return sn_fail_code(err, EUCLEAN, "page %" PRIu64 " of pack %u is damaged: packs/%u.pages, "
			    "byte %" PRIu64 ", does not match its checksum", read->page, read->pack,
			    read->pack, read->offset);
}

static int take_entry(struct page_read *read, const struct pack_entry *entry, struct sn_err *err)
{
	uint32_t encoding = pack_entry_encoding(entry), len = pack_entry_length(entry);

	if (!encoding)
		return sn_fail_code(err, EUCLEAN, "packs/%u.index, entry %" PRIu64 ", is empty: "
				    "its room was given back when no snapshot had it any more",
				    read->pack, read->page);
	if (encoding > PACK_MOVED ||
	    (encoding != PACK_MOVED && (!len || len > PAGE_BYTES)) ||
	    (encoding == PACK_RAW && len != PAGE_BYTES))
		return sn_fail_code(err, EUCLEAN, "packs/%u.index, entry %" PRIu64
				    ", is damaged, or of a newer snapsh", read->pack, read->page);
	read->encoding = encoding;
	read->len = len;
	read->offset = pack_entry_offset(entry);
	read->target = pack_entry_target(entry);
	read->sum = pack_entry_sum(entry);
	return 0;
}

/* Reads, sorted and of one pack, whose entries lie close together; how many. */
static size_t close_together(const struct page_read *reads, size_t count)
{
	size_t n = 1;

	while (n < count && reads[n].pack == reads[0].pack &&
	       reads[n].page - reads[n - 1].page <= ENTRIES_GAP &&
	       reads[n].page - reads[0].page < ENTRIES_MAX)
		n++;
	return n;
}

static int find_some(const struct pack_reader *reader, struct page_read *reads, size_t count,
		     struct sn_err *err)
{
	struct pack_entry entries[ENTRIES_MAX];
	uint64_t first = reads[0].page;

	if (pack_read_at(reader->index_fd, entries,
			 (reads[count - 1].page - first + 1) * sizeof(*entries),
			 first * sizeof(*entries), reader->number, "index", err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (take_entry(&reads[i], &entries[reads[i].page - first], err) < 0)
			return -1;
	return 0;
}

static size_t of_one_pack(const struct page_read *reads, size_t count)
{
	size_t n = 1;

	while (n < count && reads[n].pack == reads[0].pack)
		n++;
	return n;
}

static int find_in_pack(struct catalog *cat, struct page_read *reads, size_t count,
			struct sn_err *err)
{
	struct pack_reader spare = {.number = 0};
	struct pack_reader *reader = pack_reader_acquire(cat, reads[0].pack, &spare, err);
	int r = 0;

	if (!reader)
		return -1;
	for (size_t done = 0, n; r == 0 && done < count; done += n) {
		n = close_together(reads + done, count - done);
		r = find_some(reader, reads + done, n, err);
	}
	pack_reader_release(cat, reader, &spare);
	return r;
}

static int find_sorted(struct catalog *cat, struct page_read *reads, size_t count,
		       struct sn_err *err)
{
	sort(reads, count, by_page);
	for (size_t done = 0, n; done < count; done += n) {
		n = of_one_pack(reads + done, count - done);
		if (find_in_pack(cat, reads + done, n, err) < 0)
			return -1;
	}
	return 0;
}

static int place_of(struct page_read *read, struct sn_err *err)
{
	uint64_t number = read->loc >> PACK_LOC_SHIFT;

	if (!number || number > PACK_NUMBER_MAX)
		return sn_fail(err, "read a stored page: location %#" PRIx64 " names none",
			       read->loc);
	read->pack = (uint32_t)number;
	read->page = pack_loc_page(read->loc);
	return 0;
}

/* What has moved comes to the front; how many. */
static size_t moved_first(struct page_read *reads, size_t count)
{
	size_t moved = 0;

	for (size_t i = 0; i < count; i++) {
		struct page_read read = reads[i];

		if (read.encoding != PACK_MOVED)
			continue;
		read.pack = pack_loc_number(read.target);
		read.page = pack_loc_page(read.target);
		read.moved_sum = read.sum;
		reads[i] = reads[moved];
		reads[moved++] = read;
	}
	return moved;
}

static int find_once(struct catalog *cat, struct page_read *reads, size_t count,
		     struct sn_err *err)
{
	size_t moved;

	for (size_t i = 0; i < count; i++)
		if (place_of(&reads[i], err) < 0)
			return -1;
	if (find_sorted(cat, reads, count, err) < 0)
		return -1;
	moved = moved_first(reads, count);
	if (!moved)
		return 0;
	if (find_sorted(cat, reads, moved, err) < 0)
		return -1;
	for (size_t i = 0; i < moved; i++)
		if (reads[i].sum != reads[i].moved_sum)
			return damaged(&reads[i], err);
	if (moved_first(reads, moved))
		return sn_fail_code(err, EUCLEAN, "pack %u: a page has moved twice", reads[0].pack);
	return 0;
}

/*
 * gc may have put another index in the place of one that we have read, and taken the contents
 * away that it told of. Then the files are opened anew (readers.h) and tell the truth.
 */
static bool may_have_moved(const struct sn_err *err)
{
	return err->code == EUCLEAN || err->code == ENOENT;
}

int pages_find(struct catalog *cat, struct page_read *reads, size_t count, struct sn_err *err)
{
	for (int tries = 1; find_once(cat, reads, count, err) < 0; tries++)
		if (tries == TRIES || !may_have_moved(err))
			return -1;
	return 0;
}

static int read_head(struct catalog *cat, struct page_read *read, struct sn_err *err)
{
	struct pack_reader spare = {.number = 0};
	struct pack_reader *reader = pack_reader_acquire(cat, read->pack, &spare, err);
	uint8_t head[DELTA_HEAD_BYTES];
	int r;

	if (!reader)
		return -1;
	r = pack_read_at(reader->pages_fd, head, sizeof(head), read->offset, read->pack, "pages",
			 err);
	pack_reader_release(cat, reader, &spare);
	read->base_loc = r < 0 ? PAGE_LOC_ZERO : encoded_base(head);
	return r;
}

int pages_find_bases(struct catalog *cat, struct page_read *reads, size_t count,
		     struct sn_err *err)
{
	if (pages_find(cat, reads, count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (reads[i].encoding == PACK_DELTA && read_head(cat, &reads[i], err) < 0)
			return -1;
	return 0;
}

/* ---- contents ---- */

static uint64_t end_of(const struct page_read *read)
{
	return read->offset + read->len;
}

/* Contents that lie one after another, sorted; *direct: they can be read to where they go. */
static size_t one_span(const struct page_read *reads, size_t count, bool *direct)
{
	size_t n = 1;

	*direct = reads[0].encoding == PACK_RAW;
	while (n < count && reads[n].offset == end_of(&reads[n - 1]) &&
	       end_of(&reads[n]) - reads[0].offset <= SPAN_BYTES) {
		bool next = reads[n].encoding == PACK_RAW &&
			    reads[n].to == reads[n - 1].to + PAGE_BYTES;

		/* what is already direct stays so: the rest makes a span of its own */
		if (*direct && !next && n > 1)
			break;
		*direct = *direct && next;
		n++;
	}
	return n;
}

static int read_span(const struct pack_reader *reader, struct page_read *reads, size_t count,
		     bool direct, uint8_t *room, struct sn_err *err)
{
	uint64_t start = reads[0].offset;
	uint8_t *to = direct ? reads[0].to : room;

	if (pack_read_at(reader->pages_fd, to, end_of(&reads[count - 1]) - start, start,
			 reader->number, "pages", err) < 0)
		return -1;
	for (size_t i = 0; i < count && !direct; i++)
		if (!decode_page(reads[i].encoding, room + (reads[i].offset - start), reads[i].len,
				 reads[i].to, &reads[i].base_loc))
			return damaged(&reads[i], err);
	return 0;
}

static int contents_of_pack(struct catalog *cat, struct page_read *reads, size_t count,
			    uint8_t *room, struct sn_err *err)
{
	struct pack_reader spare = {.number = 0};
	struct pack_reader *reader = pack_reader_acquire(cat, reads[0].pack, &spare, err);
	int r = 0;

	if (!reader)
		return -1;
	for (size_t done = 0, n; r == 0 && done < count; done += n) {
		bool direct;

		n = one_span(reads + done, count - done, &direct);
		r = read_span(reader, reads + done, n, direct, room, err);
	}
	pack_reader_release(cat, reader, &spare);
	return r;
}

static int read_once(struct catalog *cat, struct page_read *reads, size_t count, uint8_t *room,
		     struct sn_err *err)
{
	if (pages_find(cat, reads, count, err) < 0)
		return -1;
	sort(reads, count, by_offset);
	for (size_t done = 0, n; done < count; done += n) {
		n = of_one_pack(reads + done, count - done);
		if (contents_of_pack(cat, reads + done, n, room, err) < 0)
			return -1;
	}
	return 0;
}

static int read_contents(struct catalog *cat, struct page_read *reads, size_t count,
			 struct sn_err *err)
{
	size_t most = count * PAGE_BYTES;
	sn_auto_free uint8_t *room = sn_malloc(most < SPAN_BYTES ? most : SPAN_BYTES);

	for (int tries = 1; read_once(cat, reads, count, room, err) < 0; tries++)
		if (tries == TRIES || !may_have_moved(err))
			return -1;
	return 0;
}

/* ---- differences ---- */

/* The full pages of those reads that are differences, to where `to_of` says; how many. */
static size_t list_bases(const struct page_read *reads, size_t count, struct page_read *bases,
			 uint8_t *room)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (reads[i].encoding == PACK_DELTA) {
			bases[n] = (struct page_read){
				.loc = reads[i].base_loc,
				.to = room ? room + n * PAGE_BYTES : reads[i].to,
			};
			n++;
		}
	return n;
}

static int read_bases(struct catalog *cat, struct page_read *bases, size_t count,
		      struct sn_err *err)
{
	if (read_contents(cat, bases, count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (bases[i].encoding == PACK_DELTA)
			return sn_fail_code(err, EUCLEAN, "page %" PRIu64 " of pack %u is damaged: "
					    "it is no full page, and another is against it",
					    bases[i].page, bases[i].pack);
	return 0;
}

static size_t count_deltas(const struct page_read *reads, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += reads[i].encoding == PACK_DELTA;
	return n;
}

static int apply_bases(struct catalog *cat, struct page_read *reads, size_t count,
		       struct sn_err *err)
{
	size_t deltas = count_deltas(reads, count), n = 0;
	sn_auto_free struct page_read *bases = NULL;
	sn_auto_free uint8_t *room = NULL;

	if (!deltas)
		return 0;
	bases = sn_malloc(deltas * sizeof(*bases));
	room = sn_malloc(deltas * PAGE_BYTES);
	list_bases(reads, count, bases, room);
	if (read_bases(cat, bases, deltas, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (reads[i].encoding == PACK_DELTA)
			xor_page(reads[i].to, room + n++ * PAGE_BYTES);
	return 0;
}

static int verify(const struct page_read *reads, size_t count, struct sn_err *err)
{
	for (size_t i = 0; i < count; i++)
		if (XXH3_64bits(reads[i].to, PAGE_BYTES) != reads[i].sum)
			return damaged(&reads[i], err);
	return 0;
}

int pages_read(struct catalog *cat, struct page_read *reads, size_t count, struct sn_err *err)
{
	if (read_contents(cat, reads, count, err) < 0 || apply_bases(cat, reads, count, err) < 0)
		return -1;
	return verify(reads, count, err);
}

int pages_read_full(struct catalog *cat, struct page_read *reads, size_t count,
		    struct sn_err *err)
{
	sn_auto_free struct page_read *bases = NULL;
	size_t deltas;

	if (read_contents(cat, reads, count, err) < 0)
		return -1;
	deltas = count_deltas(reads, count);
	if (deltas) {
		bases = sn_malloc(deltas * sizeof(*bases));
		list_bases(reads, count, bases, NULL);
		if (read_bases(cat, bases, deltas, err) < 0 || verify(bases, deltas, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < count; i++)
		if (reads[i].encoding == PACK_DELTA)
			reads[i].loc = reads[i].base_loc;
		else if (verify(&reads[i], 1, err) < 0)
			return -1;
	return 0;
}

/* ---- for others ---- */

static int check_run(uint64_t loc, size_t count, struct sn_err *err)
{
	uint64_t number = loc >> PACK_LOC_SHIFT;

	if (number && number <= PACK_NUMBER_MAX && pack_loc_number(loc + count - 1) == number)
		return 0;
	return sn_fail(err, "read %zu stored pages: location %#" PRIx64 " names none", count, loc);
}

/* All pages of the runs, if they are few: many calls are for a single one. */
static size_t batch_of(const struct page_run *runs, size_t count)
{
	uint64_t pages = 1;

	for (size_t i = 0; i < count && pages < BATCH_PAGES; i++)
		pages += runs[i].count;
	return pages < BATCH_PAGES ? pages : BATCH_PAGES;
}

/* Calls `each` with the pages of the runs, many at a time; the n-th goes n * step bytes behind. */
static int each_batch(struct catalog *cat, const struct page_run *runs, size_t count, void *to,
		      size_t step,
		      int (*each)(struct catalog *cat, struct page_read *reads, size_t count,
				  struct sn_err *err),
		      struct sn_err *err)
{
	sn_auto_free struct page_read *reads = sn_malloc(batch_of(runs, count) * sizeof(*reads));
	uint8_t *at = to;
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (check_run(runs[i].loc, runs[i].count, err) < 0)
			return -1;
		for (uint64_t k = 0; k < runs[i].count; k++, at += step) {
			reads[n++] = (struct page_read){.loc = runs[i].loc + k, .to = at};
			if (n == BATCH_PAGES) {
				if (each(cat, reads, n, err) < 0)
					return -1;
				n = 0;
			}
		}
	}
	return n ? each(cat, reads, n, err) : 0;
}

int catalog_runs_read(struct catalog *cat, const struct page_run *runs, size_t count, void *buf,
		      struct sn_err *err)
{
	return each_batch(cat, runs, count, buf, PAGE_BYTES, pages_read, err);
}

int catalog_pages_read(struct catalog *cat, uint64_t loc, size_t count, void *buf,
		       struct sn_err *err)
{
	struct page_run run = {.loc = loc, .count = count};

	return count ? catalog_runs_read(cat, &run, 1, buf, err) : 0;
}

static int find_sums(struct catalog *cat, struct page_read *reads, size_t count,
		     struct sn_err *err)
{
	if (pages_find(cat, reads, count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		memcpy(reads[i].to, &reads[i].sum, sizeof(reads[i].sum));
	return 0;
}

int catalog_runs_sums(struct catalog *cat, const struct page_run *runs, size_t count,
		      uint64_t *sums, struct sn_err *err)
{
	return each_batch(cat, runs, count, sums, sizeof(*sums), find_sums, err);
}

int catalog_pages_sums(struct catalog *cat, uint64_t loc, size_t count, uint64_t *sums,
		       struct sn_err *err)
{
	struct page_run run = {.loc = loc, .count = count};

	return count ? catalog_runs_sums(cat, &run, 1, sums, err) : 0;
}
