/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stored form of an Image: a header and the packed message.
 *
 *	bytes  0..7   "snapimg\n"
 *	bytes  8..11  format, little-endian: IMAGE_FORMAT of the writer
 *	bytes 12..15  0
 *	bytes 16..23  length of the message in bytes
 *	bytes 24..31  XXH3, 64 bits, of the message, seeded with XXH3 of bytes 0..23
 *	bytes 32..    the message
 *
 * The header is the same in every format to come, so that a record of a newer
 * snapsh is told apart from a damaged one. Fields added to the model need no new
 * format; what an older reader would get wrong does.
 */
#ifndef PROTO_IMAGE_H
#define PROTO_IMAGE_H

#include "proto/image.pb-c.h"
#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
	IMAGE_FORMAT = 1,
	IMAGE_HEADER_BYTES = 32,
};

/* The stored form, malloc'd in *bytes. Image.format is stored as IMAGE_FORMAT
 * whatever it is in `image`. Cannot fail. */
void image_pack(const Sn__Image *image, uint8_t **bytes, size_t *len);

/*
 * Reads a stored form back; free with sn__image__free_unpacked(*image, NULL). Any
 * bytes may be given: what is not an image, is cut short, damaged or of a newer
 * format is refused in one line, and *image is NULL then.
 */
int image_unpack(Sn__Image **image, const uint8_t *bytes, size_t len, struct sn_err *err);

#endif
