/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/readers.h"

#include "catalog/internal.h"
#include "catalog/pack.h"
#include "core/base/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

void pack_readers_init(struct pack_readers *readers)
{
	*readers = (struct pack_readers){.uses = 0};
	pthread_mutex_init(&readers->lock, NULL);
}

static void reader_close(struct pack_reader *reader)
{
	if (!reader->number)
		return;
	sn_guard_fd(&reader->pages_fd);
	close(reader->index_fd);
	*reader = (struct pack_reader){.number = 0};
}

void pack_readers_fini(struct pack_readers *readers)
{
	for (size_t i = 0; i < PACK_READERS_MAX; i++)
		reader_close(&readers->slots[i]);
	pthread_mutex_destroy(&readers->lock);
}

/* Whether the pack has got another index since (gc.c). */
static bool is_stale(const struct pack_reader *reader)
{
	struct stat st;

	return fstat(reader->index_fd, &st) == 0 && !st.st_nlink;
}

static int open_file(int packs_fd, uint32_t number, const char *suffix, struct sn_err *err)
{
	char name[PACK_NAME_BYTES];
	int fd;

	pack_name(name, number, suffix);
	fd = openat(packs_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return sn_fail_sys(err, "open packs/%s", name);
	return fd;
}

static int reader_open(struct pack_reader *reader, int packs_fd, uint32_t number,
		       struct sn_err *err)
{
	sn_auto_fd int index = open_file(packs_fd, number, "index", err);
	sn_auto_fd int pages = index < 0 ? -1 : open_file(packs_fd, number, "pages", err);

	if (index < 0 || (pages < 0 && err->code != ENOENT))
		return -1;
	*reader = (struct pack_reader){
		.number = number,
		.pages_fd = sn_steal_fd(&pages),
		.index_fd = sn_steal_fd(&index),
	};
	return 0;
}

/* What is in use is closed by who uses it. */
static void retire(struct pack_reader *slot)
{
	slot->retired = true;
	if (!slot->users)
		reader_close(slot);
}

/* The slot that has the pack, else the one that is used least; NULL: all are in use. */
static struct pack_reader *pick_slot(struct pack_readers *readers, uint32_t number)
{
	struct pack_reader *best = NULL;

	for (size_t i = 0; i < PACK_READERS_MAX; i++) {
		struct pack_reader *slot = &readers->slots[i];

		if (slot->number == number && !slot->retired) {
			if (!is_stale(slot))
				return slot;
			retire(slot);
		}
		if (!slot->users && (!best || slot->last_use < best->last_use))
			best = slot;
	}
	return best;
}

struct pack_reader *pack_reader_acquire(struct catalog *cat, uint32_t number,
					struct pack_reader *spare, struct sn_err *err)
{
	struct pack_readers *readers = &cat->readers;
	struct pack_reader *reader;

	pthread_mutex_lock(&readers->lock);
	reader = pick_slot(readers, number);
	if (!reader)
		reader = spare;
	if (reader->number != number) {
		reader_close(reader);
		if (reader_open(reader, cat->packs_fd, number, err) < 0)
			reader = NULL;
	}
	if (reader) {
		reader->users++;
		reader->last_use = ++readers->uses;
	}
	pthread_mutex_unlock(&readers->lock);
	return reader;
}

void pack_reader_release(struct catalog *cat, struct pack_reader *reader,
			 struct pack_reader *spare)
{
	if (reader == spare) {
		reader_close(spare);
		return;
	}
	pthread_mutex_lock(&cat->readers.lock);
	if (!--reader->users && reader->retired)
		reader_close(reader);
	pthread_mutex_unlock(&cat->readers.lock);
}

int pack_read_at(int fd, void *to, size_t len, uint64_t offset, uint32_t number,
		 const char *suffix, struct sn_err *err)
{
	size_t have = 0;

	if (fd < 0)
		return sn_fail_code(err, EUCLEAN, "packs/%u.%s is not there", number, suffix);
	while (have < len) {
		ssize_t n = pread(fd, (char *)to + have, len - have, (off_t)(offset + have));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sn_fail_sys(err, "read packs/%u.%s at byte %" PRIu64, number,
					   suffix, offset + have);
		if (!n)
			return sn_fail_code(err, EUCLEAN, "packs/%u.%s ends at byte %" PRIu64
					    ", before what the catalog has stored there",
					    number, suffix, offset + have);
		have += (size_t)n;
	}
	return 0;
}
