// SPDX-License-Identifier: Apache-2.0
#include "snap/inspect/evidence.h"

#include "snap/inspect/lookup.h"

#include <xxhash.h>

/* ---- writing down ---- */

static void add_page(struct page_list *list, uint64_t addr, struct page_source source)
{
	/* most are read many times in a row, or by turns with another */
	for (size_t i = list->count; i > 0 && i + 8 > list->count; i--) {
		if (list->pages[i - 1].addr == addr)
			return;
	}
	if (list->count == list->cap) {
		list->cap = list->cap ? 2 * list->cap : 8;
		list->pages = sn_realloc(list->pages, list->cap, sizeof(*list->pages));
	}
	list->pages[list->count++] = (struct page_seen){addr, source};
}

void reads_page(struct reads *reads, uint64_t addr, struct page_source source)
{
	if (reads)
		add_page(reads->in_stack ? &reads->stack : &reads->value, addr, source);
}

void reads_use(struct reads *reads, unsigned uses)
{
	if (reads)
		reads->uses |= uses;
}

void reads_lookup(struct reads *reads, bool symbol, int tag, const char *name, const void *die)
{
	if (!reads)
		return;
	reads->lookups = sn_realloc(reads->lookups, reads->lookup_count + 1,
				    sizeof(*reads->lookups));
	reads->lookups[reads->lookup_count++] =
		(struct lookup_seen){symbol, tag, sn_strdup(name), die};
}

void reads_stack_begin(struct reads *reads)
{
	if (!reads)
		return;
	reads->uses |= USES_STACK | USES_REGISTERS;
	reads->in_stack = true;
}

void reads_stack_end(struct reads *reads)
{
	if (reads)
		reads->in_stack = false;
}

static const Sn__Registers *registers_at(const struct inspect *in, struct spot spot)
{
	return spot.thread < in->task->n_threads ? in->task->threads[spot.thread]->registers : NULL;
}

static uint64_t xstate_sum(const Sn__Registers *registers)
{
	return XXH3_64bits(registers->xstate.data, registers->xstate.len);
}

void reads_end(struct reads *reads, const struct inspect *in, struct spot spot)
{
	const Sn__Registers *registers = registers_at(in, spot);

	reads->layout = in->layout;
	reads->serial = in->serial;
	reads->has_thread = registers != NULL;
	if (!registers)
		return;
	reads->registers = *registers;
	reads->registers.xstate = (ProtobufCBinaryData){0};
	if (reads->uses & USES_VECTORS)
		reads->xstate_sum = xstate_sum(registers);
}

void reads_release(struct reads *reads)
{
	free(reads->value.pages);
	free(reads->stack.pages);
	for (size_t i = 0; i < reads->lookup_count; i++)
		free(reads->lookups[i].name);
	free(reads->lookups);
}

/* ---- whether it holds ---- */

static bool pages_hold(struct inspect *in, const struct page_list *list)
{
	const Sn__Mapping *mapping;
	struct page_source source;
	struct sn_err ignored;

	for (size_t i = 0; i < list->count; i++) {
		if (memory_source(in, list->pages[i].addr, &source, &mapping, &ignored) < 0 ||
		    !memory_is_same(source, list->pages[i].source))
			return false;
	}
	return true;
}

/* General ones and those of segments: from r15 to gs, see proto/task.proto. */
static bool registers_hold(const Sn__Registers *now, const struct reads *reads)
{
	const size_t from = offsetof(Sn__Registers, r15), to = offsetof(Sn__Registers, xstate);
	const char *a = (const char *)now, *b = (const char *)&reads->registers;

	if ((reads->uses & USES_REGISTERS) && memcmp(a + from, b + from, to - from) != 0)
		return false;
	if ((reads->uses & USES_FS_BASE) && now->fs_base != reads->registers.fs_base)
		return false;
	return !(reads->uses & USES_VECTORS) || xstate_sum(now) == reads->xstate_sum;
}

static bool lookups_hold(struct inspect *in, struct spot spot, const struct reads *reads)
{
	struct sn_err ignored;
	const struct frame *frame;

	if (registers_at(in, spot)->rip == reads->registers.rip)
		return true;
	/* one of the functions that are inlined there: which it is, is another question */
	if (spot.frame > 0 || reads->serial != in->serial)
		return false;
	frame = frames_at(in, spot, &ignored);
	for (size_t i = 0; frame && i < reads->lookup_count; i++) {
		const struct lookup_seen *seen = &reads->lookups[i];

		if (lookup_again(in, frame, seen->symbol, seen->tag, seen->name) != seen->die)
			return false;
	}
	return frame != NULL;
}

bool evidence_holds(struct inspect *in, struct spot spot, const struct reads *reads)
{
	const Sn__Registers *now = registers_at(in, spot);

	if (reads->layout != in->layout || reads->has_thread != (now != NULL))
		return false;
	if (!now)
		return true;
	if (!registers_hold(now, reads) || !pages_hold(in, &reads->value))
		return false;
	if ((reads->uses & USES_STACK) && !pages_hold(in, &reads->stack))
		return false;
	return lookups_hold(in, spot, reads);
}

bool evidence_is_written(struct inspect *in, const struct reads *reads)
{
	return (reads->uses & (USES_AS_VALUE | USES_VECTORS)) || !pages_hold(in, &reads->value);
}
