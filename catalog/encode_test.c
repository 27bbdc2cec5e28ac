/* SPDX-License-Identifier: Apache-2.0 */
/* Stored forms of pages: that each comes back, which one is taken, and bytes that are none. */
#include "catalog/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = PAGE_BYTES / 8, BASE_LOC = 77 };

static void fill_random(uint64_t *page, unsigned seed)
{
	for (size_t i = 0; i < WORDS; i++)
		page[i] = (uint64_t)rand_r(&seed) << 33 ^ (uint64_t)rand_r(&seed) << 11 ^
			  (uint64_t)rand_r(&seed);
}

static void assert_back(const struct encoded *e, const uint64_t *page, const uint64_t *base)
{
	uint8_t back[PAGE_BYTES];
	uint64_t base_loc = 0;

	assert_true(decode_page(e->encoding, e->bytes, e->len, back, &base_loc));
	if (e->encoding == PACK_DELTA) {
		assert_int_equal(base_loc, BASE_LOC);
		xor_page(back, (const uint8_t *)base);
	}
	assert_memory_equal(back, page, PAGE_BYTES);
}

static void test_full(void **state)
{
	uint64_t page[WORDS];
	struct encoded e;

	(void)state;
	fill_random(page, 1);
	encode_page(&e, (const uint8_t *)page, NULL, 0);
	assert_int_equal(e.encoding, PACK_RAW);
	assert_int_equal(e.len, PAGE_BYTES);
	assert_back(&e, page, NULL);
	memset(page, 7, PAGE_BYTES / 2);
	encode_page(&e, (const uint8_t *)page, NULL, 0);
	assert_int_equal(e.encoding, PACK_LZ4);
	assert_true(e.len < PAGE_BYTES / 4 * 3);
	assert_back(&e, page, NULL);
}

/* With every number of changed words: a difference as long as it saves half. */
static void test_delta(void **state)
{
	uint64_t page[WORDS], base[WORDS];
	size_t changed, last = 0;
	struct encoded e;

	(void)state;
	fill_random(base, 2);
	for (changed = 0; changed <= WORDS; changed++) {
		memcpy(page, base, PAGE_BYTES);
		for (size_t i = 0; i < changed; i++)
			page[i * 13 % WORDS] += 0x0123456789abcdef + i * 0x9e3779b97f4a7c15;
		encode_page(&e, (const uint8_t *)page, (const uint8_t *)base, BASE_LOC);
		assert_back(&e, page, base);
		if (e.encoding == PACK_DELTA) {
			assert_true(e.len <= PAGE_BYTES / 2);
			assert_int_equal(last, changed ? changed - 1 : 0);
			last = changed;
		}
		if (changed == 10)
			assert_true(e.encoding == PACK_DELTA && e.len < 200);
	}
	assert_true(last > 100 && last < 400);
	/* a page that compresses by itself better than against another is stored in full */
	memset(page, 1, PAGE_BYTES);
	encode_page(&e, (const uint8_t *)page, (const uint8_t *)base, BASE_LOC);
	assert_int_equal(e.encoding, PACK_LZ4);
}

static void test_damaged(void **state)
{
	uint8_t back[PAGE_BYTES], bytes[PAGE_BYTES];
	uint64_t page[WORDS], loc;
	unsigned seed = 3;
	struct encoded e;

	(void)state;
	memset(page, 5, PAGE_BYTES);
	encode_page(&e, (const uint8_t *)page, NULL, 0);
	for (size_t len = 0; len < e.len; len++)
		assert_false(decode_page(PACK_LZ4, e.bytes, len, back, &loc));
	for (size_t len = 0; len <= DELTA_HEAD_BYTES; len++)
		assert_false(decode_page(PACK_DELTA, e.bytes, len, back, &loc));
	assert_false(decode_page(PACK_RAW, e.bytes, PAGE_BYTES - 1, back, &loc));
	assert_false(decode_page(PACK_MOVED, e.bytes, e.len, back, &loc));
	assert_false(decode_page(0, e.bytes, e.len, back, &loc));
	for (size_t i = 0; i < 100000; i++) {
		size_t len = (size_t)rand_r(&seed) % 64;

		for (size_t k = 0; k < len; k++)
			bytes[k] = (uint8_t)rand_r(&seed);
		decode_page(i % 2 ? PACK_LZ4 : PACK_DELTA, bytes, len, back, &loc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_delta),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
