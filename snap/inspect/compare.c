// SPDX-License-Identifier: Apache-2.0
/* Opening and closing; memory by mapping, and as bytes. */
#include "snap/inspect/compare_internal.h"

enum { ROW_BYTES = 16, DUMP_MAX = 1 << 20 };

int compare_open(struct compare **out, struct inspect *from, struct inspect *to, bool memory,
		 struct sn_err *err)
{
	struct compare *compare = sn_calloc(1, sizeof(*compare));

	compare->from = from;
	compare->to = to;
	spans_find(compare);
	if (memory && pages_compare(compare, err) < 0) {
		compare_close(compare);
		return sn_ctx(err, "compare memory");
	}
	*out = compare;
	return 0;
}

void compare_close(struct compare *compare)
{
	if (!compare)
		return;
	free(compare->spans);
	free(compare->pages);
	free(compare->unmapped);
	free(compare->rseqs);
	free(compare);
}

bool compare_is_moved(const struct compare *compare)
{
	return compare->moved;
}

/* ---- by mapping ---- */

static char *unmapped_words(const struct compare *compare, const Sn__Mapping *mapping)
{
	for (size_t i = 0; i < compare->from->image->n_objects; i++) {
		const Sn__MemoryObject *object = compare->from->image->objects[i];

		if (object->id == mapping->object_id)
			return sn_asprintf("contents of %s", object->name);
	}
	return sn_strdup("contents");
}

void compare_memory(struct compare *compare, struct memory_change **list, size_t *count)
{
	const Sn__Mapping *last = NULL;

	*list = NULL;
	*count = 0;
	for (size_t i = 0; i < compare->page_count; i++) {
		const struct changed_page *page = &compare->pages[i];
		const struct span *span = &compare->spans[page->span];
		struct memory_change *row;

		if (span->from_mapping != last) {
			*list = sn_realloc(*list, *count + 1, sizeof(**list));
			(*list)[(*count)++] = (struct memory_change){
				.where = span->from < UNMAPPED_START
						 ? mapping_words(compare->from, span->from_mapping,
								 true)
						 : unmapped_words(compare, span->from_mapping),
				.from = span->from_mapping->start,
				.to = span->to_mapping->start,
			};
			last = span->from_mapping;
		}
		row = &(*list)[*count - 1];
		row->pages++;
		row->bytes += page->bytes;
	}
}

void memory_changes_free(struct memory_change *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i].where);
	free(list);
}

/* ---- bytes ---- */

static bool read_row(struct inspect *in, uint64_t addr, uint8_t *bytes)
{
	struct sn_err ignored;

	return inspect_read(in, addr, bytes, ROW_BYTES, &ignored) == 0;
}

static void fill_row(struct compare *compare, uint64_t addr, struct dump_row *row)
{
	memset(row, 0, sizeof(*row));
	row->from_addr = addr;
	row->has_from = read_row(compare->from, addr, row->from);
	row->has_to = compare_translate(compare, addr, &row->to_addr) &&
		      read_row(compare->to, row->to_addr, row->to);
}

int compare_dump(struct compare *compare, void (*row)(void *arg, const struct dump_row *row),
		 void *arg, struct sn_err *err)
{
	(void)err;
	for (size_t i = 0; i < compare->page_count; i++) {
		const struct changed_page *page = &compare->pages[i];
		uint64_t end = page->from + PAGE_BYTES, at = page->from;

		while ((at = compare_next(compare, at, end) & ~(uint64_t)(ROW_BYTES - 1)) < end) {
			struct dump_row found;

			fill_row(compare, at, &found);
			if (found.has_from && found.has_to &&
			    memcmp(found.from, found.to, ROW_BYTES) != 0)
				row(arg, &found);
			at += ROW_BYTES;
		}
	}
	return 0;
}

int compare_dump_at(struct compare *compare, uint64_t addr, uint64_t len,
		    void (*row)(void *arg, const struct dump_row *row), void *arg,
		    struct sn_err *err)
{
	uint64_t start = addr & ~(uint64_t)(ROW_BYTES - 1);

	if (len > DUMP_MAX || addr + len < addr)
		return sn_fail(err, "%lu bytes at 0x%lx are too many to be shown", len, addr);
	for (uint64_t at = start; at < addr + len; at += ROW_BYTES) {
		struct dump_row found;

		fill_row(compare, at, &found);
		if (!found.has_from && !found.has_to)
			return sn_fail(err, "Cannot access memory at address 0x%lx",
				       at < addr ? addr : at);
		row(arg, &found);
	}
	return 0;
}
