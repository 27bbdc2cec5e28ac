/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages stored lately, by their checksums: what comes back (A, B, A again), or comes twice, is
 * found and not stored again. A fixed table in which a newer page takes an older one's place.
 * That a checksum is there is a hint; who uses it compares the contents.
 */
#ifndef CATALOG_LATELY_H
#define CATALOG_LATELY_H

#include <stdint.h>

struct lately;

struct lately *lately_new(void);
void lately_free(struct lately *lately); /* NULL is fine */

/* The location of a page with this checksum, PAGE_LOC_ZERO: none is known. */
uint64_t lately_find(const struct lately *lately, uint64_t sum);
void lately_add(struct lately *lately, uint64_t sum, uint64_t loc);
void lately_clear(struct lately *lately);

#endif
