/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packs a handle has open for reading, shared by all threads that read through
 * it. Which pages a location names is settled by then, so the database is not asked.
 */
#ifndef CATALOG_READERS_H
#define CATALOG_READERS_H

#include "core/base/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalog;

enum {
	PACK_READERS_MAX = 64, /* kept open: two descriptors each */
};

struct pack_reader {
	uint32_t number; /* 0: free */
	int pages_fd;    /* -1: all of it has moved */
	int index_fd;
	bool retired;    /* its index was replaced while it was in use */
	unsigned int users; /* reading calls that are under way */
	uint64_t last_use;
};

struct pack_readers {
	pthread_mutex_t lock; /* of all below */
	struct pack_reader slots[PACK_READERS_MAX];
	uint64_t uses;
};

void pack_readers_init(struct pack_readers *readers);
void pack_readers_fini(struct pack_readers *readers);

/*
 * Gives the pack's slot; when all are in use by other threads, `spare` opened for
 * this call alone. Either goes back by release. NULL: failed.
 */
struct pack_reader *pack_reader_acquire(struct catalog *cat, uint32_t number,
					struct pack_reader *spare, struct sn_err *err);
void pack_reader_release(struct catalog *cat, struct pack_reader *reader,
			 struct pack_reader *spare);

/* Reads exactly len bytes of N.suffix; an end of file before that is damage. */
int pack_read_at(int fd, void *to, size_t len, uint64_t offset, uint32_t number,
		 const char *suffix, struct sn_err *err);

#endif
