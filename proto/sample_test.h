/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the unit tests of this folder: numbers that are random but the same in every
 * run, a random message of any type, and an Image a person can follow.
 */
#ifndef PROTO_SAMPLE_TEST_H
#define PROTO_SAMPLE_TEST_H

#include "proto/image.pb-c.h"
#include "core/base/mem.h"
#include "proto/field.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *rng)
{
	rng->state ^= rng->state << 13;
	rng->state ^= rng->state >> 7;
	rng->state ^= rng->state << 17;
	return rng->state;
}

static inline uint64_t rng_below(struct rng *rng, uint64_t bound)
{
	return (rng_next(rng) >> 11) % bound;
}

static inline ProtobufCMessage *sample_random(const ProtobufCMessageDescriptor *type,
					      struct rng *rng);

/* A value at `at`, which may be garbage before; often one that is not the default. */
static inline void sample_value(const ProtobufCFieldDescriptor *field, void *at, struct rng *rng)
{
	static const char path[] = "/usr/lib/\x80\xc3\xa4\n\"x\\y.so";
	uint64_t number = rng_below(rng, 3) ? rng_next(rng) >> rng_below(rng, 64) : 0;
	ProtobufCBinaryData *bytes = at;

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		*(char **)at = sn_asprintf("%.*s", (int)(number % sizeof(path)), path);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		bytes->len = number % 40;
		bytes->data = bytes->len ? sn_malloc(bytes->len) : NULL;
		for (size_t i = 0; i < bytes->len; i++)
			bytes->data[i] = (uint8_t)rng_next(rng);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		*(ProtobufCMessage **)at = sample_random(field->descriptor, rng);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)at = number & 1;
		break;
	case PROTOBUF_C_TYPE_ENUM:
		*(int32_t *)at = (int32_t)(number % 5);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		memcpy(at, &number, sizeof(uint64_t));
		break;
	default:
		*(uint32_t *)at = (uint32_t)number;
	}
}

/* At most one member of each oneof, up to three elements in each list. */
static inline ProtobufCMessage *sample_random(const ProtobufCMessageDescriptor *type,
					      struct rng *rng)
{
	ProtobufCMessage *message = message_new(type);

	for (unsigned n = 0; n < type->n_fields; n++) {
		const ProtobufCFieldDescriptor *field = &type->fields[n];
		char *at = (char *)message + field->offset;
		char *quantifier = (char *)message + field->quantifier_offset;

		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			size_t count = rng_below(rng, 4), stride = sizeof(ProtobufCBinaryData);

			if (field->type == PROTOBUF_C_TYPE_UINT32)
				stride = sizeof(uint32_t);
			else if (field->type == PROTOBUF_C_TYPE_MESSAGE)
				stride = sizeof(void *);
			*(size_t *)quantifier = count;
			*(void **)at = count ? sn_calloc(count, stride) : NULL;
			for (size_t i = 0; i < count; i++)
				sample_value(field, *(char **)at + i * stride, rng);
		} else if (field_is_oneof(field)) {
			if (*(uint32_t *)quantifier || rng_below(rng, 6))
				continue;
			*(uint32_t *)quantifier = field->id;
			sample_value(field, at, rng);
		} else if (field->type != PROTOBUF_C_TYPE_MESSAGE || rng_below(rng, 3)) {
			sample_value(field, at, rng);
		}
	}
	return message;
}

static inline Sn__Image *sample_random_image(struct rng *rng)
{
	Sn__Image *image = (Sn__Image *)sample_random(&sn__image__descriptor, rng);

	image->format = 1;
	return image;
}

static inline void sample_mapping(Sn__Task *task, uint64_t start, uint64_t end, const char *path)
{
	Sn__Mapping *mapping = message_new(&sn__mapping__descriptor);

	mapping->start = start;
	mapping->end = end;
	mapping->prot = 3;
	mapping->type = *path ? SN__MAPPING_TYPE__MAPPING_FILE : SN__MAPPING_TYPE__MAPPING_ANON;
	mapping->path = sn_strdup(path);
	message_append(&task->base, 8, &mapping->base);
}

static inline void sample_thread(Sn__Task *task, uint32_t tid, uint64_t rip)
{
	Sn__Thread *thread = message_new(&sn__thread__descriptor);

	thread->tid = tid;
	thread->registers = message_new(&sn__registers__descriptor);
	thread->registers->rip = rip;
	thread->name = message_new(&sn__thread_name__descriptor);
	thread->name->name = sn_strdup("worker");
	message_append(&task->base, 10, &thread->base);
}

/* One task of two threads, two mappings, one file. */
static inline Sn__Image *sample_image(void)
{
	Sn__Image *image = message_new(&sn__image__descriptor);
	Sn__Task *task = message_new(&sn__task__descriptor);
	Sn__OpenFile *file = message_new(&sn__open_file__descriptor);
	Sn__RegularFile *regular = message_new(&sn__regular_file__descriptor);

	image->format = 1;
	image->host = message_new(&sn__host__descriptor);
	image->host->release = sn_strdup("6.1.0");
	task->pid = 4711;
	sample_mapping(task, 0x1000, 0x3000, "");
	sample_mapping(task, 0x4000, 0x5000, "/bin/true");
	sample_thread(task, 4711, 0x1);
	sample_thread(task, 4712, 0x2);
	message_append(&image->base, 3, &task->base);

	file->id = 3;
	file->flags = 02;
	regular->path = sn_strdup("/tmp/log");
	regular->pos_bytes = 42;
	message_set(&file->base, 10, &regular->base);
	message_append(&image->base, 4, &file->base);
	return image;
}

static inline void sample_free(Sn__Image **image)
{
	sn__image__free_unpacked(*image, NULL);
}

#define sample_auto __attribute__((cleanup(sample_free)))

#endif
