/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/encode.h"

#include <endian.h>
#include <lz4.h>
#include <string.h>

enum {
	LZ4_MAX_BYTES = PAGE_BYTES / 4 * 3, /* else raw: it is read without being unpacked */
	SMALL_DELTA_BYTES = PAGE_BYTES / 8, /* so small that the full form need not be tried */
};

void xor_page(uint8_t *page, const uint8_t *base)
{
	for (size_t i = 0; i < PAGE_BYTES; i += sizeof(uint64_t)) {
		uint64_t a, b;

		memcpy(&a, page + i, sizeof(a));
		memcpy(&b, base + i, sizeof(b));
		a ^= b;
		memcpy(page + i, &a, sizeof(a));
	}
}

static size_t compress_page(const uint8_t *page, uint8_t *to, size_t room)
{
	int len = LZ4_compress_default((const char *)page, (char *)to, PAGE_BYTES, (int)room);

	return len > 0 ? (size_t)len : 0;
}

/* The length, 0: it does not fit into `room`. */
static size_t encode_delta(const uint8_t *page, const uint8_t *base, uint64_t base_loc,
			   uint8_t *to, size_t room)
{
	uint64_t head = htole64(base_loc);
	uint8_t delta[PAGE_BYTES];
	size_t len;

	memcpy(delta, page, PAGE_BYTES);
	xor_page(delta, base);
	len = compress_page(delta, to + DELTA_HEAD_BYTES, room - DELTA_HEAD_BYTES);
	memcpy(to, &head, DELTA_HEAD_BYTES);
	return len ? len + DELTA_HEAD_BYTES : 0;
}

static void encode_full(struct encoded *to, const uint8_t *page)
{
	to->len = compress_page(page, to->room, LZ4_MAX_BYTES);
	to->encoding = to->len ? PACK_LZ4 : PACK_RAW;
	to->bytes = to->len ? to->room : page;
	if (!to->len)
		to->len = PAGE_BYTES;
}

void encode_page(struct encoded *to, const uint8_t *page, const uint8_t *base, uint64_t base_loc)
{
	uint8_t delta[PAGE_BYTES / 2];
	size_t len = base ? encode_delta(page, base, base_loc, delta, sizeof(delta)) : 0;

	if (!len || len > SMALL_DELTA_BYTES)
		encode_full(to, page);
	if (!len || (len > SMALL_DELTA_BYTES && len > to->len / 2))
		return;
	memcpy(to->room, delta, len);
	to->encoding = PACK_DELTA;
	to->bytes = to->room;
	to->len = len;
}

static bool decompress_page(const uint8_t *bytes, size_t len, uint8_t *page)
{
	return LZ4_decompress_safe((const char *)bytes, (char *)page, (int)len, PAGE_BYTES) ==
	       PAGE_BYTES;
}

uint64_t encoded_base(const uint8_t *head)
{
	uint64_t le;

	memcpy(&le, head, sizeof(le));
	return le64toh(le);
}

bool decode_page(enum pack_encoding encoding, const uint8_t *bytes, size_t len, uint8_t *page,
		 uint64_t *base_loc)
{
	switch (encoding) {
	case PACK_RAW:
		if (len == PAGE_BYTES && bytes != page)
			memcpy(page, bytes, PAGE_BYTES);
		return len == PAGE_BYTES;
	case PACK_LZ4:
		return decompress_page(bytes, len, page);
	case PACK_DELTA:
		if (len <= DELTA_HEAD_BYTES)
			return false;
		*base_loc = encoded_base(bytes);
		return decompress_page(bytes + DELTA_HEAD_BYTES, len - DELTA_HEAD_BYTES, page);
	default:
		return false;
	}
}
