/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading single pages by location, as many at once as there are: what lies together is read
 * together. Internal to catalog/; catalog.h has what others call.
 */
#ifndef CATALOG_READ_H
#define CATALOG_READ_H

#include "catalog/catalog.h"

/* One page to be read. */
struct page_read {
	uint64_t loc;
	uint8_t *to;  /* PAGE_BYTES */

	/* What the index says, once it has been read. */
	uint32_t pack;  /* where its contents are: another one than loc's when they have moved */
	uint64_t page;
	uint64_t offset;
	uint32_t len;
	uint32_t encoding;
	uint64_t sum;
	uint64_t target;    /* of an entry that says it has moved: to here */
	uint64_t moved_sum; /* of the entry that led here, when it has */
	uint64_t base_loc; /* of a difference, once the contents have been read */
	size_t at;         /* the caller's: whatever is done to the order, it can be found again */
};

/* Reads and verifies. The array is reordered. */
int pages_read(struct catalog *cat, struct page_read *reads, size_t count, struct sn_err *err);

/* The same, but of a page that is stored as a difference the full page that it is against; loc
 * becomes that one's. */
int pages_read_full(struct catalog *cat, struct page_read *reads, size_t count,
		    struct sn_err *err);

/* Only what the index says. */
int pages_find(struct catalog *cat, struct page_read *reads, size_t count, struct sn_err *err);
/* The same, and base_loc of differences. */
int pages_find_bases(struct catalog *cat, struct page_read *reads, size_t count,
		     struct sn_err *err);

#endif
