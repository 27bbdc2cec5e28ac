// SPDX-License-Identifier: Apache-2.0
/* What moved most: bytes that differ, by variable, and by mapping where no variable is. */
#include "snap/inspect/compare_internal.h"

struct moves {
	struct compare *compare;
	struct change_row *rows;
	size_t count, cap;
};

static struct change_row *add_row(struct moves *moves)
{
	if (moves->count == moves->cap) {
		moves->cap = moves->cap ? 2 * moves->cap : 64;
		moves->rows = sn_realloc(moves->rows, moves->cap, sizeof(*moves->rows));
	}
	moves->rows[moves->count] = (struct change_row){0};
	return &moves->rows[moves->count++];
}

/* Of `len` bytes in one page of the first side those that differ; what cannot be read does not. */
static uint64_t count_bytes(const struct compare *compare, uint64_t addr, uint64_t len)
{
	uint8_t from[PAGE_BYTES], to[PAGE_BYTES];
	struct sn_err ignored;
	uint64_t other, count = 0;

	if (!compare_translate(compare, addr, &other) ||
	    inspect_read(compare->from, addr, from, len, &ignored) < 0 ||
	    inspect_read(compare->to, other, to, len, &ignored) < 0)
		return 0;
	for (uint64_t i = 0; i < len; i++)
		count += from[i] != to[i];
	return count;
}

/* Goes from one stretch with a difference to the next. */
static void count_range(const struct compare *compare, uint64_t addr, uint64_t end,
			struct change_row *row)
{
	uint64_t last = UINT64_MAX;

	while ((addr = compare_next(compare, addr, end)) < end) {
		uint64_t stop = (addr | (GRANULE_BYTES - 1)) + 1, bytes;

		bytes = count_bytes(compare, addr, (stop < end ? stop : end) - addr);
		row->bytes += bytes;
		row->pages += bytes && addr >> PAGE_SHIFT != last;
		last = bytes ? addr >> PAGE_SHIFT : last;
		addr = stop;
	}
}

static char *global_name(const struct global *global)
{
	return global->scope ? sn_asprintf("%s::%s", global->scope, global->name)
			     : sn_strdup(global->name);
}

static void add_global(struct moves *moves, const struct global *global)
{
	const struct compare *compare = moves->compare;
	const Sn__Mapping *mapping = memory_mapping(compare->from, global->addr);
	struct change_row counted = {0}, *row;

	count_range(compare, global->addr, global->addr + global->size, &counted);
	if (!counted.bytes || !mapping)
		return;
	row = add_row(moves);
	*row = counted;
	row->symbol = global_name(global);
	row->where = mapping_words(compare->from, mapping, false);
	row->address = global->addr;
	row->size = global->size;
}

static void add_globals(struct moves *moves, struct module *module)
{
	struct globals globals = {0};

	if (compare_next(moves->compare, module->start, module->end) == module->end)
		return;
	globals_find(moves->compare->from, module, &globals);
	for (size_t i = 0; i < globals.count; i++)
		add_global(moves, &globals.list[i]);
	globals_release(&globals);
}

/* Those in variables of the mapping that starts there. */
static uint64_t bytes_named(const struct moves *moves, size_t count, uint64_t start)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < count; i++) {
		const Sn__Mapping *mapping =
			memory_mapping(moves->compare->from, moves->rows[i].address);

		bytes += mapping && mapping->start == start ? moves->rows[i].bytes : 0;
	}
	return bytes;
}

static void add_mappings(struct moves *moves)
{
	struct memory_change *list;
	size_t count, named = moves->count;

	compare_memory(moves->compare, &list, &count);
	for (size_t i = 0; i < count; i++) {
		uint64_t known = bytes_named(moves, named, list[i].from);
		struct change_row *row;

		if (known >= list[i].bytes)
			continue;
		row = add_row(moves);
		row->where = sn_steal_ptr(&list[i].where);
		row->address = list[i].from;
		row->bytes = list[i].bytes - known;
		row->pages = list[i].pages;
	}
	memory_changes_free(list, count);
}

static int most_first(const void *left, const void *right)
{
	const struct change_row *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return a->address < b->address ? -1 : a->address > b->address;
}

void compare_changes(struct compare *compare, struct change_row **list, size_t *count)
{
	struct moves moves = {.compare = compare};

	for (size_t i = 0; i < compare->from->module_count; i++)
		add_globals(&moves, compare->from->modules[i]);
	add_mappings(&moves);
	if (moves.count)
		qsort(moves.rows, moves.count, sizeof(*moves.rows), most_first);
	*list = moves.rows;
	*count = moves.count;
}

void change_rows_free(struct change_row *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(list[i].symbol);
		free(list[i].where);
	}
	free(list);
}
