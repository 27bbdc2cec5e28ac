// SPDX-License-Identifier: Apache-2.0
/* Opening and closing; what belongs to all parts. */
#include "snap/inspect/internal.h"

#include <search.h>

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	_Alignas(16) uint8_t bytes[];
};

enum { CHUNK_BYTES = 64 * 1024 };

void *inspect_alloc(struct inspect *in, size_t bytes)
{
	struct arena_chunk *chunk = in->arena;
	void *p;

	bytes = (bytes + 15) & ~(size_t)15;
	if (!chunk || chunk->size - chunk->used < bytes) {
		size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;

		chunk = sn_calloc(1, sizeof(*chunk) + size);
		chunk->size = size;
		chunk->next = in->arena;
		in->arena = chunk;
	}
	p = chunk->bytes + chunk->used;
	chunk->used += bytes;
	return p;
}

char *inspect_strdup(struct inspect *in, const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(inspect_alloc(in, size), text, size);
}

FILE *text_stream(char **text, size_t *len)
{
	FILE *out;

	*text = NULL;
	out = open_memstream(text, len);
	if (!out)
		abort();
	return out;
}

void inspect_note_add(struct inspect *in, char *line)
{
	in->notes = sn_realloc(in->notes, in->note_count + 1, sizeof(*in->notes));
	in->notes[in->note_count++] = line;
}

size_t inspect_note_count(const struct inspect *in)
{
	return in->note_count;
}

const char *inspect_note(const struct inspect *in, size_t i)
{
	return in->notes[i];
}

static int open_parts(struct inspect *in, struct sn_err *err)
{
	if (in->image->n_tasks == 0 || in->image->tasks[0]->n_threads == 0)
		return sn_fail(err, "the snapshot has no process");
	in->task = in->image->tasks[0];
	in->stacks = sn_calloc(in->task->n_threads, sizeof(*in->stacks));
	return modules_open(in, err);
}

int inspect_open(struct inspect **out, struct catalog *cat, int64_t app_id, int64_t id,
		 struct sn_err *err)
{
	struct inspect *in = sn_calloc(1, sizeof(*in));

	in->cat = cat;
	if (snap_image_load(in->cat, app_id, id, &in->image, err) < 0 ||
	    catalog_map_load(in->cat, app_id, id, &in->map, err) < 0 ||
	    open_parts(in, err) < 0) {
		inspect_close(in);
		return -1;
	}
	*out = in;
	return 0;
}

int inspect_open_living(struct inspect **out, struct catalog *cat, Sn__Image *image,
			struct pagemap *map, const uint8_t *pages, uint64_t count,
			struct sn_err *err)
{
	struct inspect *in = sn_calloc(1, sizeof(*in));

	in->cat = cat;
	in->image = image;
	in->map = *map;
	*map = (struct pagemap){0};
	in->fresh = pages;
	in->fresh_count = count;
	if (open_parts(in, err) < 0) {
		inspect_close(in);
		return -1;
	}
	*out = in;
	return 0;
}

const Sn__Image *inspect_image(const struct inspect *in)
{
	return in->image;
}

uint64_t inspect_pages_read(const struct inspect *in)
{
	return in->pages_read;
}

/* The types are the arena's. */
static void keep(void *type)
{
	(void)type;
}

void inspect_close(struct inspect *in)
{
	if (!in)
		return;
	for (size_t i = 0; in->stacks && i < in->task->n_threads; i++)
		free(in->stacks[i].frames);
	free(in->stacks);
	tdestroy(in->types, keep);
	free(in->history);
	modules_close(in);
	memory_release(in);
	pagemap_release(&in->map);
	if (in->image)
		sn__image__free_unpacked(in->image, NULL);
	for (size_t i = 0; i < in->note_count; i++)
		free(in->notes[i]);
	free(in->notes);
	while (in->arena) {
		struct arena_chunk *next = in->arena->next;

		free(in->arena);
		in->arena = next;
	}
	free(in);
}

size_t inspect_threads(const struct inspect *in)
{
	return in->task->n_threads;
}

const Sn__Thread *inspect_thread(const struct inspect *in, size_t i)
{
	return in->task->threads[i];
}

char *inspect_thread_title(const struct inspect *in, size_t i)
{
	const Sn__Thread *thread = in->task->threads[i];
	uint64_t area = thread->registers ? thread->registers->fs_base : 0;

	return area ? sn_asprintf("Thread 0x%lx (LWP %u)", area, thread->tid)
		    : sn_asprintf("LWP %u", thread->tid);
}
