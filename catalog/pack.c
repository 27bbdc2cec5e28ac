/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/pack.h"

#include "core/base/guard.h"
#include "core/base/mem.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <xxhash.h>

enum {
	ENTRIES_BUFFERED = 4096,
	LENGTH_SHIFT = 40,
	ENCODING_SHIFT = 56,
};

_Static_assert(sizeof(struct pack_entry) == 16, "an index entry has 16 bytes");

struct pack_entry pack_entry_make(uint64_t offset, uint32_t length, enum pack_encoding encoding,
				  uint64_t sum)
{
	return (struct pack_entry){
		.where = htole64(offset | (uint64_t)length << LENGTH_SHIFT |
				 (uint64_t)encoding << ENCODING_SHIFT),
		.sum = htole64(sum),
	};
}

bool pack_entry_has_contents(const struct pack_entry *entry)
{
	uint32_t encoding = pack_entry_encoding(entry);

	return encoding && encoding != PACK_MOVED;
}

struct pack_entry pack_entry_moved(uint64_t loc, uint64_t sum)
{
	uint64_t target = (uint64_t)pack_loc_number(loc) << PACK_MOVED_SHIFT | pack_loc_page(loc);

	assert(pack_loc_page(loc) <= UINT32_MAX);
	return (struct pack_entry){
		.where = htole64(target | (uint64_t)PACK_MOVED << ENCODING_SHIFT),
		.sum = htole64(sum),
	};
}

uint64_t pack_entry_target(const struct pack_entry *entry)
{
	uint64_t target = le64toh(entry->where) & ((UINT64_C(1) << ENCODING_SHIFT) - 1);

	return pack_loc((uint32_t)(target >> PACK_MOVED_SHIFT), target & UINT32_MAX);
}

uint64_t pack_entry_offset(const struct pack_entry *entry)
{
	return le64toh(entry->where) & (PACK_BYTES_MAX - 1);
}

uint32_t pack_entry_length(const struct pack_entry *entry)
{
	return (uint32_t)(le64toh(entry->where) >> LENGTH_SHIFT) & 0xffff;
}

uint32_t pack_entry_encoding(const struct pack_entry *entry)
{
	return (uint32_t)(le64toh(entry->where) >> ENCODING_SHIFT);
}

uint64_t pack_entry_sum(const struct pack_entry *entry)
{
	return le64toh(entry->sum);
}

void pack_name(char name[PACK_NAME_BYTES], uint32_t number, const char *suffix)
{
	snprintf(name, PACK_NAME_BYTES, "%" PRIu32 ".%s", number, suffix);
}

/* Opens one file of a pack; -1 with err->code ENOENT when it is not there. */
static int open_one(int packs_fd, uint32_t number, const char *suffix, bool create,
		    struct sn_err *err)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0);
	char name[PACK_NAME_BYTES];
	int fd;

	pack_name(name, number, suffix);
	fd = openat(packs_fd, name, flags, 0600);
	if (fd < 0)
		return sn_fail_sys(err, "open packs/%s", name);
	/* the umask may have taken away even the owner's rights */
	if (create && fchmod(fd, 0600) < 0) {
		sn_fail_sys(err, "set the mode of packs/%s", name);
		close(fd);
		return -1;
	}
	return fd;
}

int pack_writer_open(struct pack_writer *writer, int packs_fd, uint32_t number, bool create,
		     struct sn_err *err)
{
	sn_auto_fd int pages = open_one(packs_fd, number, "pages", create, err);
	sn_auto_fd int index = -1;

	if (pages < 0)
		return err->code == ENOENT ? 0 : -1;
	if (flock(pages, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 0 : sn_fail_sys(err, "lock packs/%u.pages", number);
	index = open_one(packs_fd, number, "index", create, err);
	if (index < 0)
		return err->code == ENOENT ? 0 : -1;
	*writer = (struct pack_writer){
		.number = number,
		.pages_fd = sn_steal_fd(&pages),
		.index_fd = sn_steal_fd(&index),
		.buffer = sn_malloc(PACK_WRITE_BYTES),
		.entries = sn_malloc(ENTRIES_BUFFERED * sizeof(struct pack_entry)),
	};
	return 1;
}

void pack_writer_start(struct pack_writer *writer, uint64_t pages, uint64_t bytes)
{
	writer->start_pages = writer->pages = pages;
	writer->start_bytes = writer->bytes = bytes;
}

int pack_writer_state(const struct pack_writer *writer, enum pack_state *state,
		      struct sn_err *err)
{
	uint64_t index_bytes = writer->start_pages * sizeof(struct pack_entry);
	struct stat pages, index;

	if (fstat(writer->pages_fd, &pages) < 0 || fstat(writer->index_fd, &index) < 0)
		return sn_fail_sys(err, "stat pack %u", writer->number);
	if ((uint64_t)pages.st_size < writer->start_bytes ||
	    (uint64_t)index.st_size < index_bytes)
		*state = PACK_SHORT;
	else if ((uint64_t)pages.st_size > writer->start_bytes ||
		 (uint64_t)index.st_size > index_bytes)
		*state = PACK_TAIL;
	else
		*state = PACK_EXACT;
	return 0;
}

int pack_writer_cut(const struct pack_writer *writer, struct sn_err *err)
{
	uint64_t index_bytes = writer->start_pages * sizeof(struct pack_entry);

	if (ftruncate(writer->pages_fd, (off_t)writer->start_bytes) < 0 ||
	    ftruncate(writer->index_fd, (off_t)index_bytes) < 0)
		return sn_fail_sys(err, "cut the tail of pack %u", writer->number);
	return 0;
}

/* write(2) may do less than asked: on a full disk the rest then says why. */
static int write_all(int fd, const void *bytes, size_t len, uint64_t offset)
{
	const uint8_t *from = bytes;

	while (len) {
		ssize_t n = pwrite(fd, from, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n) {
			errno = EIO;
			return -1;
		}
		from += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int pack_index_load(int packs_fd, uint32_t number, uint64_t pages, struct pack_entry **entries,
		    struct sn_err *err)
{
	sn_auto_fd int fd = open_one(packs_fd, number, "index", false, err);
	sn_auto_free struct pack_entry *found = sn_malloc((pages + 1) * sizeof(*found));
	size_t len = pages * sizeof(*found);
	ssize_t n;

	if (fd < 0)
		return -1;
	for (size_t have = 0; have < len; have += (size_t)n) {
		n = pread(fd, (uint8_t *)found + have, len - have, (off_t)have);
		if (n < 0)
			return sn_fail_sys(err, "read packs/%u.index", number);
		if (!n)
			return sn_fail_code(err, EUCLEAN, "packs/%u.index is shorter than its "
					    "record says", number);
	}
	*entries = sn_steal_ptr(&found);
	return 0;
}

int pack_index_replace(int packs_fd, uint32_t number, const struct pack_entry *entries,
		       uint64_t pages, struct sn_err *err)
{
	sn_auto_fd int fd = open_one(packs_fd, number, "index.new", true, err);
	char from[PACK_NAME_BYTES], to[PACK_NAME_BYTES];

	if (fd < 0)
		return -1;
	if (ftruncate(fd, 0) < 0 || write_all(fd, entries, pages * sizeof(*entries), 0) < 0 ||
	    fsync(fd) < 0)
		return sn_fail_sys(err, "write packs/%u.index.new", number);
	pack_name(from, number, "index.new");
	pack_name(to, number, "index");
	if (renameat(packs_fd, from, packs_fd, to) < 0)
		return sn_fail_sys(err, "rename packs/%s to packs/%s", from, to);
	return 0;
}

static int flush_contents(struct pack_writer *writer, struct sn_err *err)
{
	size_t len = writer->buffer_bytes;

	writer->buffer_bytes = 0;
	if (write_all(writer->pages_fd, writer->buffer, len, writer->bytes - len) < 0)
		return sn_fail_sys(err, "write %zu KiB to packs/%u.pages", len / 1024,
				   writer->number);
	return 0;
}

static int flush_entries(struct pack_writer *writer, struct sn_err *err)
{
	size_t count = writer->entry_count;

	writer->entry_count = 0;
	if (write_all(writer->index_fd, writer->entries, count * sizeof(*writer->entries),
		      (writer->pages - count) * sizeof(*writer->entries)) < 0)
		return sn_fail_sys(err, "write packs/%u.index", writer->number);
	return 0;
}

int pack_writer_append(struct pack_writer *writer, enum pack_encoding encoding,
		       const void *bytes, size_t len, uint64_t sum, uint64_t *number,
		       struct sn_err *err)
{
	if (len > PACK_BYTES_MAX - writer->bytes)
		return sn_fail_code(err, EFBIG, "append a page to pack %u", writer->number);
	if ((writer->buffer_bytes + len > PACK_WRITE_BYTES && flush_contents(writer, err) < 0) ||
	    (writer->entry_count == ENTRIES_BUFFERED && flush_entries(writer, err) < 0))
		return -1;
	memcpy(writer->buffer + writer->buffer_bytes, bytes, len);
	writer->entries[writer->entry_count++] =
		pack_entry_make(writer->bytes, (uint32_t)len, encoding, sum);
	writer->buffer_bytes += len;
	writer->bytes += len;
	*number = writer->pages++;
	return 0;
}

int pack_writer_sync(struct pack_writer *writer, struct sn_err *err)
{
	if (flush_contents(writer, err) < 0 || flush_entries(writer, err) < 0)
		return -1;
	if (fdatasync(writer->pages_fd) < 0)
		return sn_fail_sys(err, "bring packs/%u.pages to the disk", writer->number);
	if (fdatasync(writer->index_fd) < 0)
		return sn_fail_sys(err, "bring packs/%u.index to the disk", writer->number);
	return 0;
}

void pack_writer_close(struct pack_writer *writer)
{
	/* in the open: a child that a fork left with a copy would keep the lock */
	flock(writer->pages_fd, LOCK_UN);
	close(writer->pages_fd);
	close(writer->index_fd);
	free(writer->buffer);
	free(writer->entries);
	*writer = (struct pack_writer){.pages_fd = -1, .index_fd = -1};
}
