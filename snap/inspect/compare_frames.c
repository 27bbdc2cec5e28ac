// SPDX-License-Identifier: Apache-2.0
/*
 * Stacks. One is unwound only when registers or the used part of it differ.
 * Frames are matched from the outermost on, as long as they are the same function at the same
 * place of the stack.
 */
#include "snap/inspect/compare_internal.h"
#include "snap/inspect/eval.h"
#include "snap/inspect/lookup.h"

#include <dwarf.h>

enum {
	CHANGED_SHOWN = 32,
	FRAMES_SHOWN = 16, /* of those that are gone, and of those that are new */
	ARGS_BYTES = 256,  /* of a frame's parameters that lie in its caller's */
};

/* ---- frames side by side ---- */

struct side {
	struct inspect *in;
	size_t thread;
	const struct frame *frames;
	size_t count;
};

static int side_open(struct side *side, struct inspect *in, size_t thread, struct sn_err *err)
{
	*side = (struct side){.in = in, .thread = thread};
	if (inspect_frames(in, thread, &side->count, err) < 0)
		return -1;
	side->frames = in->stacks[thread].frames;
	return 0;
}

static struct context context_of(const struct side *side, size_t level)
{
	return (struct context){side->in, side->frames[level].module, &side->frames[level],
				side->thread};
}

static bool cfa_of(const struct side *side, size_t level, uint64_t *cfa)
{
	struct context context = context_of(side, level);
	struct sn_err ignored;

	return location_cfa(&context, cfa, &ignored) == 0;
}

static bool is_same_name(const struct side *a, size_t i, const struct side *b, size_t k)
{
	const char *from = frame_function(a->in, &a->frames[i]);
	const char *to = frame_function(b->in, &b->frames[k]);

	return from && to ? strcmp(from, to) == 0 : !from && !to;
}

/* The same call, as far as can be seen. Stacks of two lives begin anywhere. */
static bool is_same_call(const struct compare *compare, const struct side *a, size_t i,
			 const struct side *b, size_t k)
{
	uint64_t from, to;

	if (a->frames[i].signal != b->frames[k].signal || !is_same_name(a, i, b, k))
		return false;
	return compare->moved || !cfa_of(a, i, &from) || !cfa_of(b, k, &to) || from == to;
}

/* Nothing that a variable of the frame may be in differs. */
static bool is_frame_same(const struct compare *compare, const struct frame *a,
			  const struct frame *b, const struct side *side, size_t level)
{
	uint64_t sp = a->regs[REG_RSP], cfa;

	if (compare->moved || a->pc != b->pc || a->known != b->known ||
	    memcmp(a->regs, b->regs, sizeof(a->regs)) != 0 || !cfa_of(side, level, &cfa) ||
	    cfa < sp)
		return false;
	return compare_is_same(compare, sp - RED_ZONE, sp - RED_ZONE,
			       cfa - sp + RED_ZONE + ARGS_BYTES);
}

/* ---- variables of a frame ---- */

struct gathered {
	Dwarf_Die *list;
	size_t count;
};

static void gather(void *arg, Dwarf_Die *die)
{
	struct gathered *gathered = arg;

	gathered->list = sn_realloc(gathered->list, gathered->count + 1, sizeof(*gathered->list));
	gathered->list[gathered->count++] = *die;
}

static void gather_all(const struct frame *frame, struct gathered *gathered)
{
	if (frame->path_len) {
		Dwarf_Die function = frame->path[0];

		lookup_block(&function, true, gather, gathered);
	}
	for (size_t i = frame->path_len; i > 0; i--) {
		Dwarf_Die block = frame->path[i - 1];

		lookup_block(&block, false, gather, gathered);
	}
}

/* Statics are told with the globals. */
static bool is_static(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	Dwarf_Op *ops;
	uint64_t addr;
	size_t count;

	return dwarf_attr_integrate(die, DW_AT_location, &attr) &&
	       dwarf_getlocation(&attr, &ops, &count) == 0 &&
	       location_address(&attr, ops, count, &addr);
}

/* The n-th of a name on one side is the n-th on the other. */
static Dwarf_Die *variable_like(const struct gathered *from, size_t at, const struct gathered *to)
{
	Dwarf_Die *die = &from->list[at];
	const char *name = dwarf_diename(die);
	size_t nth = 0;

	for (size_t i = 0; i < at; i++)
		nth += strcmp(dwarf_diename(&from->list[i]), name) == 0;
	for (size_t i = 0; i < to->count; i++) {
		if (strcmp(dwarf_diename(&to->list[i]), name) == 0 && nth-- == 0)
			return &to->list[i];
	}
	return NULL;
}

static void compare_locals(struct compare *compare, const struct context *a,
			   const struct context *b, size_t max, struct value_changes *changes)
{
	struct gathered from = {0}, to = {0};
	struct finding finding;

	gather_all(a->frame, &from);
	gather_all(b->frame, &to);
	finding_begin(&finding, compare, changes, max);
	for (size_t i = 0; i < from.count; i++) {
		Dwarf_Die *other = variable_like(&from, i, &to);
		struct sn_err ignored;
		struct value *x, *y;

		if (!other || is_static(&from.list[i]))
			continue;
		x = value_of(a, &from.list[i], &ignored);
		y = value_of(b, other, &ignored);
		if (x && y && !(x->is_absent || y->is_absent))
			values_compare(&finding, dwarf_diename(&from.list[i]), x, y);
	}
	finding_end(&finding);
	free(from.list);
	free(to.list);
}

/* ---- compare_stacks ---- */

static void stack_change_release(struct stack_change *change)
{
	for (size_t i = 0; i < change->count; i++) {
		free(change->frames[i].from);
		free(change->frames[i].to);
		value_changes_release(&change->frames[i].locals);
	}
	free(change->frames);
	free(change->anchor);
	*change = (struct stack_change){0};
}

void stack_changes_free(struct stack_change *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		stack_change_release(&list[i]);
	free(list);
}

static struct frame_change *add_frame(struct stack_change *change, enum frame_what what)
{
	change->frames = sn_realloc(change->frames, change->count + 1, sizeof(*change->frames));
	change->frames[change->count] = (struct frame_change){.what = what};
	return &change->frames[change->count++];
}

static void compare_frame(struct compare *compare, const struct side *a, size_t i,
			  const struct side *b, size_t k, size_t max, struct stack_change *change)
{
	struct context from = context_of(a, i), to = context_of(b, k);
	struct value_changes locals = {0};
	struct frame_change *frame;
	char *from_text, *to_text;
	bool ignored;

	if (is_frame_same(compare, from.frame, to.frame, a, i))
		goto same;
	compare_locals(compare, &from, &to, max, &locals);
	from_text = frame_text(a->in, (struct spot){a->thread, i}, false, &ignored);
	to_text = frame_text(b->in, (struct spot){b->thread, k}, false, &ignored);
	if (!locals.count && strcmp(from_text, to_text) == 0) {
		free(from_text);
		free(to_text);
		goto same;
	}
	if (change->count == CHANGED_SHOWN) {
		change->more_changed++;
		value_changes_release(&locals);
		free(from_text);
		free(to_text);
		return;
	}
	frame = add_frame(change, FRAME_CHANGED);
	frame->from_level = i;
	frame->to_level = k;
	frame->from = from_text;
	frame->to = to_text;
	frame->locals = locals;
	return;
same:
	/* the one in front of the first that differs */
	if (!change->count) {
		free(change->anchor);
		change->anchor = frame_text(a->in, (struct spot){a->thread, i}, true, &ignored);
	}
}

/* Frames [0, count) that only one side has, the outermost first. */
static size_t add_lone(const struct side *side, size_t count, enum frame_what what,
		       struct stack_change *change)
{
	size_t shown = count < FRAMES_SHOWN ? count : FRAMES_SHOWN;
	bool ignored;

	for (size_t n = 0; n < shown; n++) {
		size_t level = count - 1 - n;
		struct frame_change *frame = add_frame(change, what);
		char *text =
			frame_text(side->in, (struct spot){side->thread, level}, true, &ignored);

		frame->from_level = frame->to_level = level;
		*(what == FRAME_GONE ? &frame->from : &frame->to) = text;
	}
	return count - shown;
}

static int compare_stack(struct compare *compare, const struct thread_pair *pair, size_t max,
			 struct stack_change *change, struct sn_err *err)
{
	struct side a, b;
	size_t i, k;

	*change = (struct stack_change){.from = pair->from, .to = pair->to};
	if (side_open(&a, compare->from, pair->from, err) < 0 ||
	    side_open(&b, compare->to, pair->to, err) < 0)
		return -1;
	for (i = a.count, k = b.count; i > 0 && k > 0; i--, k--) {
		if (!is_same_call(compare, &a, i - 1, &b, k - 1))
			break;
		compare_frame(compare, &a, i - 1, &b, k - 1, max, change);
	}
	change->more_gone = add_lone(&a, i, FRAME_GONE, change);
	change->more_new = add_lone(&b, k, FRAME_NEW, change);
	return 0;
}

int compare_stacks(struct compare *compare, size_t per_variable, struct stack_change **list,
		   size_t *count, struct sn_err *err)
{
	size_t pair_count;
	sn_auto_free struct thread_pair *pairs = threads_pair(compare, &pair_count);

	*list = sn_calloc(pair_count, sizeof(**list));
	*count = 0;
	for (size_t i = 0; i < pair_count; i++) {
		const struct thread_pair *pair = &pairs[i];
		struct stack_change *change = &(*list)[*count];

		if (!pair->has_from || !pair->has_to || thread_is_same(compare, pair))
			continue;
		if (compare_stack(compare, pair, per_variable, change, err) < 0) {
			stack_changes_free(*list, *count);
			return -1;
		}
		if (change->count)
			++*count;
		else
			stack_change_release(change);
	}
	return 0;
}
