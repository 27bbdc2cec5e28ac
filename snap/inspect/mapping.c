// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/mapping.h"

static bool holds(const Sn__Mapping *mapping, uint64_t addr)
{
	return mapping->start <= addr && addr < mapping->end;
}

/* The thread whose stack it is; NULL: none. */
static const Sn__Thread *stack_of(const struct inspect *in, const Sn__Mapping *mapping)
{
	const Sn__AddressSpace *space = in->task->address_space;

	if (space && holds(mapping, space->start_stack))
		return in->task->threads[0];
	for (size_t i = 0; i < in->task->n_threads; i++) {
		const Sn__Thread *thread = in->task->threads[i];

		if (thread->registers && holds(mapping, thread->registers->rsp))
			return thread;
	}
	return NULL;
}

/* Whether brk(2) gave it. */
static bool is_brk(const struct inspect *in, const Sn__Mapping *mapping)
{
	const Sn__AddressSpace *space = in->task->address_space;

	return space && mapping->start < space->brk && mapping->end > space->start_brk &&
	       mapping->type == SN__MAPPING_TYPE__MAPPING_ANON;
}

static bool is_anonymous(const Sn__Mapping *mapping)
{
	return mapping->type == SN__MAPPING_TYPE__MAPPING_ANON ||
	       mapping->type == SN__MAPPING_TYPE__MAPPING_HUGETLB;
}

enum mapping_kind mapping_kind(const struct inspect *in, const Sn__Mapping *mapping)
{
	if (stack_of(in, mapping))
		return MAPPING_IS_STACK;
	if (is_brk(in, mapping))
		return MAPPING_IS_HEAP;
	if (modules_at(in, mapping->start))
		return MAPPING_IS_MODULE;
	return is_anonymous(mapping) && !mapping->shared ? MAPPING_IS_HEAP : MAPPING_IS_OTHER;
}

static const char *object_name(const struct inspect *in, uint32_t id)
{
	for (size_t i = 0; i < in->image->n_objects; i++) {
		if (in->image->objects[i]->id == id && *in->image->objects[i]->name)
			return in->image->objects[i]->name;
	}
	return "[shared]";
}

static const char *write_name(struct inspect *in, const char *before, const char *name)
{
	sn_auto_free char *text = sn_asprintf("[%s:%s]", before, name);

	return inspect_strdup(in, text);
}

static const char *stack_name(struct inspect *in, const Sn__Thread *thread)
{
	char tid[16];

	if (thread == in->task->threads[0])
		return "[stack]";
	snprintf(tid, sizeof(tid), "%u", thread->tid);
	return write_name(in, "stack", tid);
}

/* What the mapping itself is called, whoever uses it; NULL: nothing. */
static const char *own_name(struct inspect *in, const Sn__Mapping *mapping)
{
	if (mapping->type == SN__MAPPING_TYPE__MAPPING_OBJECT)
		return object_name(in, mapping->object_id);
	if (*mapping->path)
		return mapping->path;
	if (*mapping->anon_name)
		return write_name(in, "anon", mapping->anon_name);
	return is_brk(in, mapping) ? "[heap]" : NULL;
}

const char *mapping_name(struct inspect *in, const Sn__Mapping *mapping)
{
	const Sn__Thread *thread = stack_of(in, mapping);
	const char *name = thread ? stack_name(in, thread) : own_name(in, mapping);

	if (name)
		return name;
	return modules_at(in, mapping->start) ? modules_at(in, mapping->start)->path : "[anon]";
}

const char *inspect_mapping_name(struct inspect *in, const Sn__Mapping *mapping)
{
	const Sn__AddressSpace *space = in->task->address_space;
	const char *name = own_name(in, mapping);

	if (name)
		return name;
	return space && holds(mapping, space->start_stack) ? "[stack]" : "";
}

bool mapping_is_meant(struct inspect *in, const Sn__Mapping *mapping, const char *what)
{
	if (strcmp(what, "heap") == 0)
		return mapping_kind(in, mapping) == MAPPING_IS_HEAP;
	if (strcmp(what, "stack") == 0)
		return mapping_kind(in, mapping) == MAPPING_IS_STACK;
	return strstr(mapping_name(in, mapping), what) != NULL;
}
