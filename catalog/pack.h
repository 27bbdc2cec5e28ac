/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packs: the files that hold page contents, and appending to one.
 *
 * Pack N is packs/N.pages (contents, one after another) and packs/N.index: entry i
 * (16 bytes, little-endian) says where in the first file page i lies and how it is
 * encoded, and gives the XXH3 of the page as it was handed in. The database says
 * how much of a pack counts (`packs.pages`, `packs.bytes`); what lies beyond is
 * the work of a writer that has not committed yet, or never will.
 *
 * A location (core/base/pagemap.h) is the pack's number and the page's index in it.
 * Packs count from 1, so no stored page has location PAGE_LOC_ZERO. Bit 63 is
 * never set: the codec of page maps needs a value that is no location.
 *
 *	pack_writer_open -> pack_writer_append ... -> pack_writer_sync
 *		-> the caller commits -> pack_writer_close
 *
 * A pack_writer has the pack locked (flock on N.pages) until it is closed.
 */
#ifndef CATALOG_PACK_H
#define CATALOG_PACK_H

#include "core/base/err.h"
#include "core/base/pagemap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PACK_NAME_BYTES = 24,       /* room for a file's name */
	PACK_LOC_SHIFT = 40,
	PACK_WRITE_BYTES = 1 << 20, /* contents reach the file in pieces of this size */
};

#define PACK_NUMBER_MAX ((UINT32_C(1) << (63 - PACK_LOC_SHIFT)) - 1)
/* A page's offset has as many bits as its index. */
#define PACK_BYTES_MAX (UINT64_C(1) << PACK_LOC_SHIFT)

static inline uint64_t pack_loc(uint32_t number, uint64_t page)
{
	return ((uint64_t)number << PACK_LOC_SHIFT) | page;
}

static inline uint32_t pack_loc_number(uint64_t loc)
{
	return (uint32_t)(loc >> PACK_LOC_SHIFT);
}

static inline uint64_t pack_loc_page(uint64_t loc)
{
	return loc & ((UINT64_C(1) << PACK_LOC_SHIFT) - 1);
}

/* No page of zeros, and none that a delta says is gone (mapcode.h). */
static inline bool pack_loc_is_stored(uint64_t loc)
{
	return loc != PAGE_LOC_ZERO && !(loc >> 63);
}

/* How the bytes in N.pages become a page (encode.h). 0 is not among them, so that a hole in
 * an index file is no entry. */
enum pack_encoding {
	PACK_RAW = 1,   /* the page itself */
	PACK_LZ4 = 2,   /* an LZ4 block */
	PACK_DELTA = 3, /* a location of 8 bytes, then the LZ4 block of the XOR with that page */
	PACK_MOVED = 4, /* none: the page is page bits 0-31 of pack bits 32-55 by now */
};

enum { PACK_MOVED_SHIFT = 32 };

/* As in the file; read it with the functions below. */
struct pack_entry {
	uint64_t where; /* bits 0-39 offset, 40-55 length in bytes, 56-63 encoding */
	uint64_t sum;   /* XXH3, 64 bits, of the decoded page */
};

struct pack_entry pack_entry_make(uint64_t offset, uint32_t length, enum pack_encoding encoding,
				  uint64_t sum);
/* Whether there are bytes behind it. */
bool pack_entry_has_contents(const struct pack_entry *entry);
/* Page `loc` is where the contents are by now; its index fits into 32 bits. */
struct pack_entry pack_entry_moved(uint64_t loc, uint64_t sum);
/* The location in an entry that has moved. */
uint64_t pack_entry_target(const struct pack_entry *entry);
uint64_t pack_entry_offset(const struct pack_entry *entry);
uint32_t pack_entry_length(const struct pack_entry *entry);
uint32_t pack_entry_encoding(const struct pack_entry *entry);
uint64_t pack_entry_sum(const struct pack_entry *entry);

/* The first `pages` entries of a pack's index, malloc'd. */
int pack_index_load(int packs_fd, uint32_t number, uint64_t pages, struct pack_entry **entries,
		    struct sn_err *err);
/* Puts another index in the place of the pack's, whole or not at all; it is the caller's to
 * have the pack locked, and to sync the directory. */
int pack_index_replace(int packs_fd, uint32_t number, const struct pack_entry *entries,
		       uint64_t pages, struct sn_err *err);

/* "17.pages", "17.index" */
void pack_name(char name[PACK_NAME_BYTES], uint32_t number, const char *suffix);

struct pack_writer {
	uint32_t number;
	int pages_fd; /* locked */
	int index_fd;
	uint64_t start_pages, start_bytes; /* the committed length */
	uint64_t pages, bytes;             /* with what was appended, buffers included */
	uint8_t *buffer; /* the last buffer_bytes of the contents, not yet written */
	size_t buffer_bytes;
	struct pack_entry *entries; /* the last entry_count, not yet written */
	size_t entry_count;
};

/*
 * Opens and locks the files of pack `number`; `create` makes missing ones.
 * 1: done, 0: another writer has it or a file is missing, -1. The committed length
 * is the caller's to set (pack_writer_start), once it has read it under the lock.
 */
int pack_writer_open(struct pack_writer *writer, int packs_fd, uint32_t number, bool create,
		     struct sn_err *err);

/* Appending begins after this many pages and bytes. */
void pack_writer_start(struct pack_writer *writer, uint64_t pages, uint64_t bytes);

/* How the files stand to the committed length: both just so, something beyond it
 * (a tail), or not even that. */
enum pack_state { PACK_EXACT, PACK_TAIL, PACK_SHORT };
int pack_writer_state(const struct pack_writer *writer, enum pack_state *state,
		      struct sn_err *err);

/* Cuts both files to the committed length; see packs.h for when one may. */
int pack_writer_cut(const struct pack_writer *writer, struct sn_err *err);

/* A page in its stored form, with the checksum of the page itself, becomes page *number of the
 * pack. After a failure only closing is left. */
int pack_writer_append(struct pack_writer *writer, enum pack_encoding encoding,
		       const void *bytes, size_t len, uint64_t sum, uint64_t *number,
		       struct sn_err *err);

/* Writes what is buffered and waits until all of it is on the disk. */
int pack_writer_sync(struct pack_writer *writer, struct sn_err *err);

/* Unlocks and closes. */
void pack_writer_close(struct pack_writer *writer);

#endif
