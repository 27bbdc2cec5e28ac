// SPDX-License-Identifier: Apache-2.0
/*
 * Which memory of one moment is which of the other: by address in one life of a program, by
 * what it is in two.
 */
#include "snap/inspect/compare_internal.h"

static const Sn__Mapping *const *mappings_of(const struct inspect *in)
{
	return (const Sn__Mapping *const *)in->task->mappings;
}

/* ---- what a mapping is ---- */

static bool holds(const Sn__Mapping *mapping, uint64_t addr)
{
	return addr >= mapping->start && addr < mapping->end;
}

static bool is_anon(const Sn__Mapping *mapping)
{
	return mapping->type == SN__MAPPING_TYPE__MAPPING_ANON ||
	       mapping->type == SN__MAPPING_TYPE__MAPPING_HUGETLB;
}

static bool is_heap(const struct inspect *in, const Sn__Mapping *mapping)
{
	const Sn__AddressSpace *space = in->task->address_space;

	return space && is_anon(mapping) && mapping->start < space->brk &&
	       mapping->end > space->start_brk;
}

/* Whose stack it is, from 1; 0 nobody's. */
static size_t stack_of(const struct inspect *in, const Sn__Mapping *mapping)
{
	const Sn__AddressSpace *space = in->task->address_space;

	if (!is_anon(mapping))
		return 0;
	if (space && holds(mapping, space->start_stack))
		return 1;
	for (size_t i = 0; i < in->task->n_threads; i++) {
		const Sn__Registers *regs = in->task->threads[i]->registers;

		if (regs && holds(mapping, regs->rsp))
			return i + 1;
	}
	return 0;
}

/* The module whose zeroed data it is: it lies right behind it. NULL: none. */
static const struct module *bss_of(const struct inspect *in, const Sn__Mapping *mapping)
{
	const struct module *module = modules_at(in, mapping->start);

	return module && is_anon(mapping) && module->start < mapping->start ? module : NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static char *file_words(const Sn__Mapping *mapping)
{
	const char *part = mapping->shared     ? "shared"
			   : mapping->prot & 4 ? "code"
			   : mapping->prot & 2 ? "data"
					       : "read-only data";

	return sn_asprintf("%s: %s", base_name(mapping->path), part);
}

static const char *object_name(const struct inspect *in, const Sn__Mapping *mapping)
{
	for (size_t i = 0; i < in->image->n_objects; i++) {
		if (in->image->objects[i]->id == mapping->object_id)
			return in->image->objects[i]->name;
	}
	return "";
}

static char *plain_words(const struct inspect *in, const Sn__Mapping *mapping)
{
	const struct module *bss = bss_of(in, mapping);
	size_t thread = stack_of(in, mapping);

	if (mapping->type == SN__MAPPING_TYPE__MAPPING_FILE)
		return file_words(mapping);
	if (mapping->type == SN__MAPPING_TYPE__MAPPING_OBJECT)
		return sn_asprintf("%s memory%s%s", mapping->shared ? "shared" : "copied",
				   *object_name(in, mapping) ? " " : "", object_name(in, mapping));
	if (mapping->type == SN__MAPPING_TYPE__MAPPING_SPECIAL)
		return sn_strdup(mapping->path);
	if (is_heap(in, mapping))
		return sn_strdup("heap");
	if (thread)
		return sn_asprintf("stack of thread %zu", thread);
	if (bss)
		return sn_asprintf("%s: zeroed data", base_name(bss->path));
	return NULL;
}

char *mapping_words(const struct inspect *in, const Sn__Mapping *mapping, bool with_address)
{
	char *words = plain_words(in, mapping);
	const char *name = mapping->anon_name ? mapping->anon_name : "";

	if (words)
		return words;
	words = sn_asprintf("anonymous%s%s", *name ? " " : "", name);
	if (with_address) {
		sn_auto_free char *before = words;

		words = sn_asprintf("%s at 0x%lx", before, mapping->start);
	}
	return words;
}

/* ---- matching ---- */

bool mapping_is_same(const Sn__Mapping *a, const Sn__Mapping *b)
{
	if (a->type != b->type || a->shared != b->shared)
		return false;
	if (a->type == SN__MAPPING_TYPE__MAPPING_OBJECT)
		return a->object_id == b->object_id;
	return is_anon(a) || strcmp(a->path, b->path) == 0;
}

static void add_span(struct compare *compare, const struct span *span)
{
	compare->spans =
		sn_realloc(compare->spans, compare->span_count + 1, sizeof(*compare->spans));
	compare->spans[compare->span_count++] = *span;
}

/* Of one life: what both have at the same addresses. */
static void match_by_address(struct compare *compare)
{
	const Sn__Mapping *const *a = mappings_of(compare->from), *const * b;
	size_t a_count = compare->from->task->n_mappings, b_count = compare->to->task->n_mappings;

	b = mappings_of(compare->to);
	for (size_t i = 0, k = 0; i < a_count && k < b_count;) {
		uint64_t start = a[i]->start > b[k]->start ? a[i]->start : b[k]->start;
		uint64_t end = a[i]->end < b[k]->end ? a[i]->end : b[k]->end;

		if (start < end && mapping_is_same(a[i], b[k]))
			add_span(compare, &(struct span){start, start, end - start, a[i], b[k]});
		if (a[i]->end <= b[k]->end)
			i++;
		else
			k++;
	}
}

/* Whether the n-th that is like `a` on its side may be matched with one that is like `b`. */
static bool is_alike(const struct compare *compare, const Sn__Mapping *a, const Sn__Mapping *b)
{
	const struct module *a_bss = bss_of(compare->from, a), *b_bss = bss_of(compare->to, b);

	if (a->type != b->type || a->shared != b->shared)
		return false;
	if (!is_anon(a))
		return mapping_is_same(a, b) && a->offset_bytes == b->offset_bytes;
	if (is_heap(compare->from, a) || is_heap(compare->to, b))
		return is_heap(compare->from, a) && is_heap(compare->to, b);
	if (a_bss || b_bss)
		return a_bss && b_bss && strcmp(a_bss->path, b_bss->path) == 0;
	return a->prot == b->prot && a->end - a->start == b->end - b->start;
}

/* Of two lives: each with the next one of the other side that is like it. A main thread's
 * stack begins anywhere, so its pages are nobody's. */
static void match_by_kind(struct compare *compare)
{
	const Sn__Mapping *const *a = mappings_of(compare->from), *const * b;
	size_t a_count = compare->from->task->n_mappings, b_count = compare->to->task->n_mappings;
	sn_auto_free bool *taken = sn_calloc(b_count, sizeof(*taken));

	b = mappings_of(compare->to);
	for (size_t i = 0; i < a_count; i++) {
		uint64_t len = a[i]->end - a[i]->start;

		if (stack_of(compare->from, a[i]) == 1)
			continue;
		for (size_t k = 0; k < b_count; k++) {
			if (taken[k] || !is_alike(compare, a[i], b[k]))
				continue;
			taken[k] = true;
			if (b[k]->end - b[k]->start < len)
				len = b[k]->end - b[k]->start;
			add_span(compare,
				 &(struct span){a[i]->start, b[k]->start, len, a[i], b[k]});
			break;
		}
	}
}

static bool is_other_program(const struct compare *compare)
{
	const Sn__AddressSpace *a = compare->from->task->address_space;
	const Sn__AddressSpace *b = compare->to->task->address_space;

	return a && b && strcmp(a->exe, b->exe) != 0;
}

/* Another program, or one that both have, or a library, lies elsewhere. */
static bool is_moved(const struct compare *compare)
{
	if (is_other_program(compare))
		return true;
	for (size_t i = 0; i < compare->from->module_count; i++) {
		const struct module *module = compare->from->modules[i];
		bool found = false, elsewhere = false;

		for (size_t k = 0; k < compare->to->module_count; k++) {
			const struct module *other = compare->to->modules[k];

			if (strcmp(module->path, other->path) != 0)
				continue;
			found |= other->start == module->start;
			elsewhere |= other->start != module->start;
		}
		if (elsewhere && !found)
			return true;
	}
	return false;
}

/* ---- objects without a mapping ---- */

static bool is_mapped(const struct inspect *in, uint32_t object)
{
	for (size_t i = 0; i < in->task->n_mappings; i++) {
		if (in->task->mappings[i]->type == SN__MAPPING_TYPE__MAPPING_OBJECT &&
		    in->task->mappings[i]->object_id == object)
			return true;
	}
	return false;
}

static bool has_object(const struct inspect *in, const Sn__MemoryObject *object)
{
	for (size_t i = 0; i < in->image->n_objects; i++) {
		if (in->image->objects[i]->id == object->id &&
		    in->image->objects[i]->size_bytes == object->size_bytes)
			return true;
	}
	return false;
}

/* They get addresses that no process has. */
static void add_unmapped(struct compare *compare)
{
	const Sn__Image *image = compare->from->image;

	compare->unmapped = sn_calloc(image->n_objects, sizeof(*compare->unmapped));
	for (size_t i = 0; i < image->n_objects; i++) {
		const Sn__MemoryObject *object = image->objects[i];
		uint64_t at = UNMAPPED_START + ((uint64_t)i << 44);
		uint64_t len = (object->size_bytes + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
		Sn__Mapping *mapping = &compare->unmapped[i];

		if (is_mapped(compare->from, object->id) || is_mapped(compare->to, object->id) ||
		    !has_object(compare->to, object) || !len || len >= UINT64_C(1) << 44)
			continue;
		sn__mapping__init(mapping);
		mapping->type = SN__MAPPING_TYPE__MAPPING_OBJECT;
		mapping->shared = true;
		mapping->object_id = object->id;
		mapping->start = at;
		mapping->end = at + len;
		add_span(compare, &(struct span){at, at, len, mapping, mapping});
	}
}

void spans_find(struct compare *compare)
{
	compare->moved = is_moved(compare);
	if (compare->moved)
		match_by_kind(compare);
	else
		match_by_address(compare);
	add_unmapped(compare);
}

const struct span *compare_span(const struct compare *compare, uint64_t addr)
{
	size_t low = 0, high = compare->span_count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (compare->spans[mid].from + compare->spans[mid].len <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == compare->span_count || compare->spans[low].from > addr)
		return NULL;
	return &compare->spans[low];
}

/* The main thread's stack of two lives begins anywhere: its arguments are matched with each other,
 * and what is below with what is as far below. */
static bool translate_stack(const struct compare *compare, uint64_t addr, uint64_t *to)
{
	const Sn__AddressSpace *a = compare->from->task->address_space;
	const Sn__AddressSpace *b = compare->to->task->address_space;
	const Sn__Mapping *mapping = memory_mapping(compare->from, addr);

	if (!a || !b || !mapping || !holds(mapping, a->start_stack))
		return false;
	*to = addr >= a->arg_start ? b->arg_start + (addr - a->arg_start)
				   : b->start_stack + (addr - a->start_stack);
	return true;
}

bool compare_translate(const struct compare *compare, uint64_t addr, uint64_t *to)
{
	const struct span *span = compare_span(compare, addr);

	if (!span && compare->moved && translate_stack(compare, addr, to))
		return true;
	*to = span ? span->to + (addr - span->from) : addr;
	return span != NULL || !compare->moved;
}
