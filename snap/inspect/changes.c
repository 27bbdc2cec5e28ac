// SPDX-License-Identifier: Apache-2.0
/*
 * What expressions have assigned: pages and registers that are others than the snapshot's, until
 * they are stored as those of a new one or taken back.
 *
 *	changes_add_page, changes_thread	before the first change: it is kept what was
 *	inspect_settle			the inspect is one of the new snapshot
 *	inspect_take_back		nothing was assigned
 *
 * Frames may follow from what is assigned, so they are made anew; those that were handed out
 * stay until then.
 */
#include "snap/inspect/changes.h"

#include "snap/inspect/value.h"

struct changed_page {
	uint64_t key;
	uint8_t *bytes;
};

struct changed_thread {
	size_t thread;
	uint8_t *was; /* packed */
	size_t len;
};

struct changes {
	struct changed_page *pages; /* by key */
	size_t page_count;
	struct changed_thread *threads;
	size_t thread_count;
	struct assigned *assigned;
	size_t assigned_count;
	struct frame **old_frames;
	size_t old_count;
};

static struct changes *changes_of(struct inspect *in)
{
	if (!in->changes)
		in->changes = sn_calloc(1, sizeof(*in->changes));
	return in->changes;
}

void changes_release(struct inspect *in)
{
	struct changes *c = in->changes;

	if (!c)
		return;
	for (size_t i = 0; i < c->page_count; i++)
		free(c->pages[i].bytes);
	for (size_t i = 0; i < c->thread_count; i++)
		free(c->threads[i].was);
	for (size_t i = 0; i < c->old_count; i++)
		free(c->old_frames[i]);
	free(c->pages);
	free(c->threads);
	free(c->assigned);
	free(c->old_frames);
	free(c);
	in->changes = NULL;
}

/* ---- pages ---- */

/* Index of the first page that is not below the key. */
static size_t seek(const struct changes *c, uint64_t key)
{
	size_t low = 0, high = c->page_count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (c->pages[mid].key < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint8_t *changes_page(const struct inspect *in, uint64_t key)
{
	const struct changes *c = in->changes;
	size_t at = c ? seek(c, key) : 0;

	return c && at < c->page_count && c->pages[at].key == key ? c->pages[at].bytes : NULL;
}

uint8_t *changes_add_page(struct inspect *in, uint64_t key, const uint8_t *page)
{
	struct changes *c = changes_of(in);
	size_t at = seek(c, key);

	/* room for twice as many whenever their number is a power of two */
	if ((c->page_count & (c->page_count - 1)) == 0)
		c->pages = sn_realloc(c->pages, c->page_count ? 2 * c->page_count : 1,
				      sizeof(*c->pages));
	memmove(c->pages + at + 1, c->pages + at, (c->page_count - at) * sizeof(*c->pages));
	c->page_count++;
	c->pages[at] = (struct changed_page){key, sn_malloc(PAGE_BYTES)};
	return memcpy(c->pages[at].bytes, page, PAGE_BYTES);
}

void inspect_changed_pages(const struct inspect *in, struct pagemap *at, uint8_t **pages)
{
	const struct changes *c = in->changes;
	size_t count = c ? c->page_count : 0;

	*pages = sn_malloc(count * PAGE_BYTES + 1);
	for (size_t i = 0; i < count; i++) {
		memcpy(*pages + i * PAGE_BYTES, c->pages[i].bytes, PAGE_BYTES);
		pagemap_append(at, c->pages[i].key, 1, i + 1);
	}
}

/* ---- registers ---- */

Sn__Thread *changes_thread(struct inspect *in, size_t thread)
{
	struct changes *c = changes_of(in);
	Sn__Thread *model = in->task->threads[thread];
	struct changed_thread *kept;

	for (size_t i = 0; i < c->thread_count; i++) {
		if (c->threads[i].thread == thread)
			return model;
	}
	c->threads = sn_realloc(c->threads, c->thread_count + 1, sizeof(*c->threads));
	kept = &c->threads[c->thread_count++];
	kept->thread = thread;
	kept->len = sn__thread__get_packed_size(model);
	kept->was = sn_malloc(kept->len + 1);
	sn__thread__pack(model, kept->was);
	return model;
}

/* What we packed ourselves can be unpacked. */
static void put_back(struct inspect *in, const struct changed_thread *kept)
{
	Sn__Thread *was = sn__thread__unpack(NULL, kept->len, kept->was);

	if (!was)
		abort();
	sn__thread__free_unpacked(in->task->threads[kept->thread], NULL);
	in->task->threads[kept->thread] = was;
}

/* ---- what was assigned ---- */

void inspect_may_assign(struct inspect *in, bool may)
{
	in->may_assign = may;
}

size_t inspect_assigned(const struct inspect *in, const struct assigned **list)
{
	*list = in->changes ? in->changes->assigned : NULL;
	return in->changes ? in->changes->assigned_count : 0;
}

void changes_note(struct inspect *in, const struct assigned *assigned)
{
	struct changes *c = changes_of(in);

	c->assigned = sn_realloc(c->assigned, c->assigned_count + 1, sizeof(*c->assigned));
	c->assigned[c->assigned_count++] = *assigned;
}

static void forget_stack(struct changes *c, struct stack *stack)
{
	if (!stack->frames)
		return;
	c->old_frames = sn_realloc(c->old_frames, c->old_count + 1, sizeof(struct frame *));
	c->old_frames[c->old_count++] = stack->frames;
	*stack = (struct stack){0};
}

void changes_reread(struct inspect *in)
{
	struct changes *c = changes_of(in);

	memory_forget(in);
	for (size_t i = 0; i < in->task->n_threads; i++) {
		forget_stack(c, &in->stacks[i]);
		forget_stack(c, &in->tops[i]);
	}
}

void changes_keep_history(struct inspect *in)
{
	struct sn_err ignored;

	for (size_t i = 0; i < in->history_count; i++) {
		struct value *value = in->history[i];

		if (value->in_memory && value->type->size <= HISTORY_BYTES_MAX)
			value_bytes(in, value, &ignored);
	}
}

/* ---- the end ---- */

void inspect_settle(struct inspect *in, int64_t id, const struct pagemap *map)
{
	changes_reread(in);
	pagemap_copy(&in->map, map);
	in->id = id;
	changes_release(in);
}

void inspect_take_back(struct inspect *in)
{
	if (!in->changes)
		return;
	changes_reread(in);
	for (size_t i = 0; i < in->changes->thread_count; i++)
		put_back(in, &in->changes->threads[i]);
	changes_release(in);
}

void inspect_state(const struct inspect *in, struct inspect_state *state)
{
	*state = (struct inspect_state){in->cat, in->app_id, in->id, in->image};
}
