/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksums of database rows: XXH3 (64 bits) over the columns, integers as 8
 * bytes little-endian, texts as their length and bytes. A blob is summed with the
 * sum of its other columns as the seed, so that a blob under a wrong name does not pass.
 */
#ifndef CATALOG_SUM_H
#define CATALOG_SUM_H

#include <assert.h>
#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <xxh_x86dispatch.h>

struct row_sum {
	uint8_t bytes[1024];
	size_t len;
};

static inline void row_sum_int(struct row_sum *sum, uint64_t value)
{
	uint64_t le = htole64(value);

	assert(sum->len + sizeof(le) <= sizeof(sum->bytes));
	memcpy(sum->bytes + sum->len, &le, sizeof(le));
	sum->len += sizeof(le);
}

static inline void row_sum_text(struct row_sum *sum, const char *text)
{
	size_t len = strlen(text);

	row_sum_int(sum, len);
	assert(sum->len + len <= sizeof(sum->bytes));
	memcpy(sum->bytes + sum->len, text, len);
	sum->len += len;
}

static inline uint64_t row_sum_end(const struct row_sum *sum)
{
	return XXH3_64bits(sum->bytes, sum->len);
}

static inline uint64_t row_sum_end_blob(const struct row_sum *sum, const void *bytes, size_t len)
{
	return XXH3_64bits_withSeed(bytes, len, row_sum_end(sum));
}

#endif
