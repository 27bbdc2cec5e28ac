/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packs a handle has open for reading, shared by all threads that read through
 * it. Which pages a location names is settled by then, so the database is not asked.
 */
#ifndef CATALOG_READ_H
#define CATALOG_READ_H

#include <pthread.h>
#include <stdint.h>

enum {
	PACK_READERS_MAX = 64, /* kept open: two descriptors each */
};

struct pack_reader {
	uint32_t number; /* 0: free */
	int pages_fd;
	int index_fd;
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

#endif
