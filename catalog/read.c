/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading pages and their checksums: locations in, verified contents out.
 *
 * A call may run on many threads; the lock is held only to find or open the pack.
 * Files of a pack are never changed below its committed length, so what a
 * location names can be read without any further care.
 */
#include "catalog/internal.h"
#include "catalog/pack.h"

#include "core/base/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <xxhash.h>

enum {
	BATCH_PAGES = 256, /* contents are summed while they are in the cache */
};

void pack_readers_init(struct pack_readers *readers)
{
	*readers = (struct pack_readers){.uses = 0};
	pthread_mutex_init(&readers->lock, NULL);
}

static void reader_close(struct pack_reader *reader)
{
	if (!reader->number)
		return;
	close(reader->pages_fd);
	close(reader->index_fd);
	*reader = (struct pack_reader){.number = 0};
}

void pack_readers_fini(struct pack_readers *readers)
{
	for (size_t i = 0; i < PACK_READERS_MAX; i++)
		reader_close(&readers->slots[i]);
	pthread_mutex_destroy(&readers->lock);
}

static int open_file(int packs_fd, uint32_t number, const char *suffix, struct sn_err *err)
{
	char name[PACK_NAME_BYTES];
	int fd;

	pack_name(name, number, suffix);
	fd = openat(packs_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return sn_fail_sys(err, "open packs/%s", name);
	return fd;
}

static int reader_open(struct pack_reader *reader, int packs_fd, uint32_t number,
		       struct sn_err *err)
{
	sn_auto_fd int pages = open_file(packs_fd, number, "pages", err);
	sn_auto_fd int index = pages < 0 ? -1 : open_file(packs_fd, number, "index", err);

	if (pages < 0 || index < 0)
		return -1;
	*reader = (struct pack_reader){
		.number = number,
		.pages_fd = sn_steal_fd(&pages),
		.index_fd = sn_steal_fd(&index),
	};
	return 0;
}

/* The slot that has the pack, else the one that is used least; NULL: all are in use. */
static struct pack_reader *pick_slot(struct pack_readers *readers, uint32_t number)
{
	struct pack_reader *best = NULL;

	for (size_t i = 0; i < PACK_READERS_MAX; i++) {
		struct pack_reader *slot = &readers->slots[i];

		if (slot->number == number)
			return slot;
		if (!slot->users && (!best || slot->last_use < best->last_use))
			best = slot;
	}
	return best;
}

/*
 * Gives the pack's slot; when all are in use by other threads, `spare` opened for
 * this call alone. Either goes back by release.
 */
static struct pack_reader *acquire(struct catalog *cat, uint32_t number,
				   struct pack_reader *spare, struct sn_err *err)
{
	struct pack_readers *readers = &cat->readers;
	struct pack_reader *reader;

	pthread_mutex_lock(&readers->lock);
	reader = pick_slot(readers, number);
	if (!reader)
		reader = spare;
	if (reader->number != number) {
		reader_close(reader);
		if (reader_open(reader, cat->packs_fd, number, err) < 0)
			reader = NULL;
	}
	if (reader) {
		reader->users++;
		reader->last_use = ++readers->uses;
	}
	pthread_mutex_unlock(&readers->lock);
	return reader;
}

static void release(struct catalog *cat, struct pack_reader *reader, struct pack_reader *spare)
{
	if (reader == spare) {
		reader_close(spare);
		return;
	}
	pthread_mutex_lock(&cat->readers.lock);
	reader->users--;
	pthread_mutex_unlock(&cat->readers.lock);
}

/* Reads exactly len bytes; an end of file before that is damage. */
static int read_at(int fd, void *to, size_t len, uint64_t offset, uint32_t number,
		   const char *suffix, struct sn_err *err)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = pread(fd, (char *)to + have, len - have, (off_t)(offset + have));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sn_fail_sys(err, "read packs/%u.%s at byte %" PRIu64, number,
					   suffix, offset + have);
		if (!n)
			return sn_fail_code(err, EUCLEAN, "packs/%u.%s ends at byte %" PRIu64
					    ", before what the catalog has stored there",
					    number, suffix, offset + have);
		have += (size_t)n;
	}
	return 0;
}

static int read_entries(const struct pack_reader *reader, uint64_t page, size_t count,
			struct pack_entry *entries, struct sn_err *err)
{
	if (read_at(reader->index_fd, entries, count * sizeof(*entries), page * sizeof(*entries),
		    reader->number, "index", err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (pack_entry_encoding(&entries[i]) != PACK_RAW ||
		    pack_entry_length(&entries[i]) != PAGE_BYTES)
			return sn_fail_code(err, EUCLEAN, "packs/%u.index, entry %" PRIu64
					    ", is damaged, or of a newer snapsh",
					    reader->number, page + i);
	return 0;
}

/* How many entries, beginning with the first, name contents that lie in one row. */
static size_t contiguous(const struct pack_entry *entries, size_t count)
{
	uint64_t start = pack_entry_offset(&entries[0]);
	size_t n = 1;

	while (n < count && pack_entry_offset(&entries[n]) == start + n * PAGE_BYTES)
		n++;
	return n;
}

static int verify(const struct pack_reader *reader, uint64_t page,
		  const struct pack_entry *entries, size_t count, const uint8_t *contents,
		  struct sn_err *err)
{
	for (size_t i = 0; i < count; i++)
		if (XXH3_64bits(contents + i * PAGE_BYTES, PAGE_BYTES) !=
		    pack_entry_sum(&entries[i]))
			return sn_fail_code(err, EUCLEAN, "page %" PRIu64 " of pack %u is damaged:"
					    " packs/%u.pages, byte %" PRIu64 ", does not match its"
					    " checksum", page + i, reader->number, reader->number,
					    pack_entry_offset(&entries[i]));
	return 0;
}

static int read_batch(const struct pack_reader *reader, uint64_t page, size_t count, uint8_t *to,
		      struct sn_err *err)
{
	struct pack_entry entries[BATCH_PAGES];

	if (read_entries(reader, page, count, entries, err) < 0)
		return -1;
	for (size_t done = 0; done < count;) {
		size_t n = contiguous(entries + done, count - done);

		if (read_at(reader->pages_fd, to + done * PAGE_BYTES, n * PAGE_BYTES,
			    pack_entry_offset(&entries[done]), reader->number, "pages", err) < 0 ||
		    verify(reader, page + done, entries + done, n, to + done * PAGE_BYTES, err) < 0)
			return -1;
		done += n;
	}
	return 0;
}

static int sums_batch(const struct pack_reader *reader, uint64_t page, size_t count,
		      uint64_t *sums, struct sn_err *err)
{
	struct pack_entry entries[BATCH_PAGES];

	if (read_entries(reader, page, count, entries, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		sums[i] = pack_entry_sum(&entries[i]);
	return 0;
}

/* Opens the pack of a run for reading; NULL: failed. */
static struct pack_reader *acquire_run(struct catalog *cat, uint64_t loc, size_t count,
				       struct pack_reader *spare, struct sn_err *err)
{
	uint64_t number = loc >> PACK_LOC_SHIFT;

	if (!number || number > PACK_NUMBER_MAX || pack_loc_number(loc + count - 1) != number) {
		sn_fail(err, "read %zu stored pages: location %#" PRIx64 " names none", count, loc);
		return NULL;
	}
	return acquire(cat, (uint32_t)number, spare, err);
}

int catalog_pages_read(struct catalog *cat, uint64_t loc, size_t count, void *buf,
		       struct sn_err *err)
{
	struct pack_reader spare = {.number = 0}, *reader;
	uint64_t page = pack_loc_page(loc);
	uint8_t *to = buf;
	int r = 0;

	if (!count)
		return 0;
	reader = acquire_run(cat, loc, count, &spare, err);
	if (!reader)
		return -1;
	while (r == 0 && count) {
		size_t n = count < BATCH_PAGES ? count : BATCH_PAGES;

		r = read_batch(reader, page, n, to, err);
		to += n * PAGE_BYTES;
		page += n;
		count -= n;
	}
	release(cat, reader, &spare);
	return r;
}

int catalog_pages_sums(struct catalog *cat, uint64_t loc, size_t count, uint64_t *sums,
		       struct sn_err *err)
{
	struct pack_reader spare = {.number = 0}, *reader;
	uint64_t page = pack_loc_page(loc);
	int r = 0;

	if (!count)
		return 0;
	reader = acquire_run(cat, loc, count, &spare, err);
	if (!reader)
		return -1;
	while (r == 0 && count) {
		size_t n = count < BATCH_PAGES ? count : BATCH_PAGES;

		r = sums_batch(reader, page, n, sums, err);
		sums += n;
		page += n;
		count -= n;
	}
	release(cat, reader, &spare);
	return r;
}
