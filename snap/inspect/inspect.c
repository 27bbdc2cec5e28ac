// SPDX-License-Identifier: Apache-2.0
/* Opening and closing; what belongs to all parts. */
#include "snap/inspect/changes.h"
#include "snap/inspect/variables.h"

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
		in->arena_bytes += size;
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

/* The image is taken, but not when it fails. */
static int take_image(struct inspect *in, Sn__Image *image, struct sn_err *err)
{
	if (image->n_tasks == 0 || image->tasks[0]->n_threads == 0)
		return sn_fail(err, "the snapshot has no process");
	in->image = image;
	in->task = image->tasks[0];
	in->stacks = sn_calloc(in->task->n_threads, sizeof(*in->stacks));
	in->tops = sn_calloc(in->task->n_threads, sizeof(*in->tops));
	in->layout = modules_layout(in);
	return 0;
}

static int load_image(struct inspect *in, int64_t app_id, int64_t id, struct inspect *into,
		      struct sn_err *err)
{
	Sn__Image *image;

	if (snap_image_load(in->cat, app_id, id, &image, err) < 0)
		return -1;
	if (take_image(into, image, err) == 0)
		return 0;
	sn__image__free_unpacked(image, NULL);
	return -1;
}

int inspect_open_series(struct inspect **out, struct catalog *cat, struct debug_files *debug,
			struct catalog_locator *locator, int64_t app_id, int64_t id,
			struct sn_err *err)
{
	struct inspect *in = sn_calloc(1, sizeof(*in));

	in->cat = cat;
	in->held = -1;
	in->debug = debug;
	in->app_id = app_id;
	in->id = id;
	in->locator = locator;
	if (load_image(in, app_id, id, in, err) < 0 ||
	    (!locator && catalog_map_load(cat, app_id, id, &in->map, err) < 0) ||
	    modules_open(in, err) < 0) {
		inspect_close(in);
		return -1;
	}
	*out = in;
	return 0;
}

int inspect_open(struct inspect **out, struct catalog *cat, struct debug_files *debug,
		 int64_t app_id, int64_t id, struct sn_err *err)
{
	sn_auto_fd int held = catalog_snapshot_hold(cat, app_id, id, err);

	if (held < 0 || inspect_open_series(out, cat, debug, NULL, app_id, id, err) < 0)
		return -1;
	(*out)->held = sn_steal_fd(&held);
	return 0;
}

int inspect_move(struct inspect *in, int64_t id, struct sn_err *err)
{
	struct inspect there = {0};

	if (load_image(in, in->app_id, id, &there, err) < 0)
		return -1;
	if (there.layout != in->layout) {
		stacks_release(&there);
		sn__image__free_unpacked(there.image, NULL);
		return 0;
	}
	stacks_release(in);
	sn__image__free_unpacked(in->image, NULL);
	in->id = id;
	in->image = there.image;
	in->task = there.task;
	in->stacks = there.stacks;
	in->tops = there.tops;
	memory_moved(in);
	return 1;
}

int inspect_open_living(struct inspect **out, struct catalog *cat, struct debug_files *debug,
			Sn__Image *image, struct pagemap *map, const uint8_t *pages, uint64_t count,
			struct sn_err *err)
{
	struct inspect *in = sn_calloc(1, sizeof(*in));

	in->cat = cat;
	in->held = -1;
	in->debug = debug;
	in->image = image;
	in->map = *map;
	*map = (struct pagemap){0};
	in->fresh = pages;
	in->fresh_count = count;
	if (take_image(in, image, err) < 0 || modules_open(in, err) < 0) {
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
	if (in->held >= 0)
		close(in->held);
	stacks_release(in);
	variables_leave(in);
	tdestroy(in->types, keep);
	tdestroy(in->full_names, keep);
	free(in->history);
	changes_release(in);
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

const Sn__Task *inspect_task(const struct inspect *in)
{
	return in->task;
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
