/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a page is stored: raw, compressed, or as its difference from another one.
 *
 * A difference is only ever against a page that is stored in full (raw or compressed), so a
 * page costs at most two reads. When so much has changed that it would not save half, the
 * page is stored in full, and is what later ones differ from.
 */
#ifndef CATALOG_ENCODE_H
#define CATALOG_ENCODE_H

#include "catalog/pack.h"

enum {
	DELTA_HEAD_BYTES = 8, /* the location of the full page */
};

/* The stored form of a page; `bytes` points into `room` or is the page itself. */
struct encoded {
	enum pack_encoding encoding;
	const uint8_t *bytes;
	size_t len;
	uint8_t room[PAGE_BYTES];
};

/* base: the full page at base_loc, or NULL. */
void encode_page(struct encoded *to, const uint8_t *page, const uint8_t *base, uint64_t base_loc);

/* Stored bytes back to a page; of a difference, to what the full page has to be XORed with,
 * and *base_loc. False when they are no such thing. */
bool decode_page(enum pack_encoding encoding, const uint8_t *bytes, size_t len, uint8_t *page,
		 uint64_t *base_loc);

/* The location at the head of a stored difference, DELTA_HEAD_BYTES. */
uint64_t encoded_base(const uint8_t *head);

/* page ^= base */
void xor_page(uint8_t *page, const uint8_t *base);

#endif
