// SPDX-License-Identifier: Apache-2.0
/*
 * The stored form: what was packed comes back, and nothing else does. Records are
 * cut, flipped bit by bit, filled with noise, and sealed again after their message
 * was damaged, so that the parser behind the checksum meets broken input too.
 */
#include "proto/image.h"

#include "core/base/guard.h"
#include "proto/diff.h"
#include "proto/json.h"
#include "proto/print.h"
#include "proto/sample_test.h"

#include <endian.h>
#include <xxhash.h>

enum {
	ROUNDS = 300,
	NOISE_ROUNDS = 20000,
};

/* The header of image.h written again by its description. */
static void seal(uint8_t *bytes, size_t len, uint32_t format)
{
	uint32_t le_format = htole32(format);
	uint64_t length = htole64(len - 32), sum;

	memcpy(bytes, "snapimg\n", 8);
	memcpy(bytes + 8, &le_format, 4);
	memset(bytes + 12, 0, 4);
	memcpy(bytes + 16, &length, 8);
	sum = htole64(XXH3_64bits_withSeed(bytes + 32, len - 32, XXH3_64bits(bytes, 24)));
	memcpy(bytes + 24, &sum, 8);
}

static void assert_refused(const uint8_t *bytes, size_t len, const char *why)
{
	Sn__Image *image = (Sn__Image *)-1;
	struct sn_err err = {0};

	assert_int_equal(image_unpack(&image, bytes, len, &err), -1);
	assert_null(image);
	assert_null(strchr(err.text, '\n'));
	if (!strstr(err.text, why))
		fail_msg("\"%s\" does not say \"%s\"", err.text, why);
}

static void what_was_packed_comes_back(void **state)
{
	struct rng rng = {2};

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		sample_auto Sn__Image *image = sample_random_image(&rng);
		sample_auto Sn__Image *back = NULL;
		sn_auto_free uint8_t *bytes = NULL;
		struct sn_err err = {0};
		size_t len;

		image->format = 0; /* stamped by packing */
		image_pack(image, &bytes, &len);
		assert_int_equal(image->format, 0);
		image->format = IMAGE_FORMAT;
		assert_int_equal(image_unpack(&back, bytes, len, &err), 0);
		assert_true(message_equal(&image->base, &back->base));
	}
}

static void the_stored_form_is_the_described_one(void **state)
{
	sample_auto Sn__Image *image = sample_image();
	sn_auto_free uint8_t *bytes = NULL, *sealed = NULL;
	size_t len;

	(void)state;
	image_pack(image, &bytes, &len);
	sealed = memcpy(sn_malloc(len), bytes, len);
	memset(sealed, 0, 32);
	seal(sealed, len, 1);
	assert_memory_equal(sealed, bytes, len);
}

static void a_cut_record_is_refused(void **state)
{
	sample_auto Sn__Image *image = sample_image();
	sn_auto_free uint8_t *bytes = NULL;
	size_t len;

	(void)state;
	image_pack(image, &bytes, &len);
	for (size_t cut = 0; cut < len; cut++) {
		/* Memory of just that size, for the sanitized build. */
		sn_auto_free uint8_t *part = memcpy(sn_malloc(cut), bytes, cut);

		assert_refused(part, cut, "image record: ");
	}
	assert_refused(NULL, 0, "not an image");
}

static void every_flipped_bit_is_noticed(void **state)
{
	sample_auto Sn__Image *image = sample_image();
	sn_auto_free uint8_t *bytes = NULL;
	size_t len;

	(void)state;
	image_pack(image, &bytes, &len);
	for (size_t bit = 0; bit < len * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_refused(bytes, len, "damaged");
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void another_format_is_refused_by_name(void **state)
{
	sample_auto Sn__Image *image = sample_image();
	sn_auto_free uint8_t *bytes = NULL;
	size_t len;

	(void)state;
	image_pack(image, &bytes, &len);
	seal(bytes, len, IMAGE_FORMAT + 6);
	assert_refused(bytes, len, "format 7 of a newer snapsh; this one reads up to 1");
	seal(bytes, len, 0);
	assert_refused(bytes, len, "format 0");
	image->format = 7;
	sn__image__pack(image, bytes + 32);
	seal(bytes, len, 1);
	assert_refused(bytes, len, "header and message disagree");
}

/* Whatever the parser took, all that reads messages must be able to walk. */
static void walk(const Sn__Image *image)
{
	sample_auto Sn__Image *copy = message_copy(&image->base);
	sn_auto_free char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	message_print(out, &image->base, 0);
	fclose(out);
	json_decref(message_json(&image->base));
	assert_int_equal(message_diff(&image->base, &copy->base, NULL, NULL), 0);
}

static void noise_never_crashes(void **state)
{
	struct rng rng = {3};

	(void)state;
	for (int round = 0; round < NOISE_ROUNDS; round++) {
		size_t len = rng_below(&rng, 200);
		sn_auto_free uint8_t *bytes = sn_malloc(len);
		sample_auto Sn__Image *image = NULL;
		struct sn_err err = {0};

		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)rng_next(&rng);
		assert_refused(bytes, len, "not an image");
		if (len < 34)
			continue;
		bytes[32] = 0x08; /* format = 1, so that the rest matters */
		bytes[33] = 0x01;
		seal(bytes, len, 1);
		if (image_unpack(&image, bytes, len, &err) == 0)
			walk(image);
	}
}

static void sealed_damage_never_crashes(void **state)
{
	struct rng rng = {4};
	size_t taken = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		sample_auto Sn__Image *image = sample_random_image(&rng);
		sn_auto_free uint8_t *bytes = NULL;
		size_t len;

		image_pack(image, &bytes, &len);
		for (int hit = 0; hit < 20; hit++) {
			sample_auto Sn__Image *back = NULL;
			struct sn_err err = {0};
			size_t at = 32 + rng_below(&rng, len - 32);

			bytes[at] ^= (uint8_t)(1 << rng_below(&rng, 8));
			seal(bytes, len, 1);
			if (image_unpack(&back, bytes, len, &err) < 0)
				continue;
			taken++;
			walk(back);
		}
	}
	assert_true(taken > ROUNDS); /* else nothing was walked */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_packed_comes_back),
		cmocka_unit_test(the_stored_form_is_the_described_one),
		cmocka_unit_test(a_cut_record_is_refused),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(another_format_is_refused_by_name),
		cmocka_unit_test(noise_never_crashes),
		cmocka_unit_test(sealed_damage_never_crashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
