// SPDX-License-Identifier: Apache-2.0
#include "proto/image.h"

#include "core/base/mem.h"

#include <endian.h>
#include <string.h>
#include <xxhash.h>

static const char magic[8] = "snapimg\n";

struct header {
	char magic[8];
	uint32_t format;
	uint32_t zero;
	uint64_t length_bytes;
	uint64_t sum;
};

_Static_assert(sizeof(struct header) == IMAGE_HEADER_BYTES, "stored form");

static uint64_t sum_of(const struct header *header, const uint8_t *message, size_t len)
{
	XXH64_hash_t head = XXH3_64bits(header, offsetof(struct header, sum));

	return XXH3_64bits_withSeed(message, len, head);
}

void image_pack(const Sn__Image *image, uint8_t **bytes, size_t *len)
{
	Sn__Image stamped = *image;
	struct header header = {0};
	size_t message_len;

	stamped.format = IMAGE_FORMAT;
	message_len = sn__image__get_packed_size(&stamped);
	*len = sizeof(header) + message_len;
	*bytes = sn_malloc(*len);
	sn__image__pack(&stamped, *bytes + sizeof(header));

	memcpy(header.magic, magic, sizeof(magic));
	header.format = htole32(IMAGE_FORMAT);
	header.length_bytes = htole64(message_len);
	header.sum = htole64(sum_of(&header, *bytes + sizeof(header), message_len));
	memcpy(*bytes, &header, sizeof(header));
}

int image_unpack(Sn__Image **image, const uint8_t *bytes, size_t len, struct sn_err *err)
{
	struct header header;
	const uint8_t *message;
	uint64_t message_len;

	*image = NULL;
	if (len < sizeof(header) || memcmp(bytes, magic, sizeof(magic)) != 0)
		return sn_fail(err, "image record: not an image, or its header is damaged");
	memcpy(&header, bytes, sizeof(header));
	message = bytes + sizeof(header);
	message_len = le64toh(header.length_bytes);
	if (message_len != len - sizeof(header))
		return sn_fail(err, "image record: damaged: %zu bytes where its header says %llu",
			       len - sizeof(header), (unsigned long long)message_len);
	if (sum_of(&header, message, message_len) != le64toh(header.sum))
		return sn_fail(err, "image record: damaged: checksum does not match");
	if (le32toh(header.format) > IMAGE_FORMAT)
		return sn_fail(err,
			       "image record: format %u of a newer snapsh; this one reads up to %d",
			       le32toh(header.format), IMAGE_FORMAT);
	if (le32toh(header.format) == 0)
		return sn_fail(err, "image record: damaged: format 0");
	*image = sn__image__unpack(NULL, message_len, message);
	if (!*image)
		return sn_fail(err, "image record: damaged: its message cannot be read");
	if ((*image)->format != le32toh(header.format)) {
		sn__image__free_unpacked(*image, NULL);
		*image = NULL;
		return sn_fail(err, "image record: damaged: header and message disagree");
	}
	return 0;
}
