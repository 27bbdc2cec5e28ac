// SPDX-License-Identifier: Apache-2.0
/* Where a frame is on the stack, and what it has saved there: for `info frame`, `frame address`. */
#include "snap/inspect/eval.h"
#include "snap/inspect/lookup.h"

static void tell_saved(FILE *out, const char *name, uint64_t addr, bool first)
{
	fprintf(out, "%s%s at 0x%lx", first ? "" : ", ", name, addr);
}

/* In gdb's order: rbx before rcx and rdx, unlike DWARF's. */
static void find_saved(const struct context *context, struct frame_places *places)
{
	static const unsigned order[] = {0, 3, 2, 1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
	struct sn_err ignored;
	struct piece piece;
	bool first = true;
	size_t len;
	FILE *out = text_stream(&places->saved, &len);

	for (size_t i = 0; i < sn_countof(order); i++) {
		if (location_saves(context, order[i], &piece, &ignored) < 0 ||
		    piece.kind != PLACE_MEMORY)
			continue;
		if (order[i] == REG_RSP) {
			places->sp_is_saved = true;
			places->sp = piece.number;
			continue;
		}
		if (order[i] == REG_RIP)
			memory_read_u64(context->in, piece.number, &places->saved_pc, &ignored);
		tell_saved(out, register_name(order[i]), piece.number, first);
		first = false;
	}
	fclose(out);
}

int inspect_frame_places(struct inspect *in, struct spot spot, struct frame_places *places,
			 struct sn_err *err)
{
	struct context context;
	const struct frame *frame;
	Dwarf_Die cu;

	memset(places, 0, sizeof(*places));
	if (context_at(in, spot, &context, err) < 0 ||
	    location_cfa(&context, &places->cfa, err) < 0)
		return -1;
	frame = context.frame;
	cu = frame->cu;
	places->language = frame->has_cu && !frame->signal ? unit_language(&cu) : NULL;
	places->has_base = !frame->signal && frame_pointer(in, frame, &places->base);
	places->inlined = frame->inlined;
	find_saved(&context, places);
	return 0;
}

void frame_places_release(struct frame_places *places)
{
	free(places->saved);
}

int inspect_find_address(struct inspect *in, const char *expression, struct spot *spot,
			 struct sn_err *err)
{
	struct context context;
	struct value *value;
	uint64_t addr, cfa;
	size_t count;

	if (context_at(in, *spot, &context, err) < 0)
		return -1;
	value = eval_text(&context, expression, err);
	if (!value || value_to_address(in, value, &addr, err) < 0 ||
	    inspect_frames(in, spot->thread, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct spot at = {spot->thread, i};
		struct sn_err ignored;

		if (context_at(in, at, &context, &ignored) < 0 ||
		    location_cfa(&context, &cfa, &ignored) < 0 || cfa != addr)
			continue;
		*spot = at;
		return 0;
	}
	return sn_fail(err, "No frame at address %s.", expression);
}

int inspect_find_function(struct inspect *in, const char *name, struct spot *spot,
			  struct sn_err *err)
{
	struct context context;
	struct sn_err ignored;
	struct value *value;
	uint64_t entry;
	size_t count;

	if (!*name)
		return sn_fail(err, "Missing function name argument");
	if (context_at(in, *spot, &context, err) < 0 ||
	    inspect_frames(in, spot->thread, &count, err) < 0)
		return -1;
	value = eval_text(&context, name, &ignored);
	if (!value || type_strip(value->type)->kind != TYPE_FUNCTION)
		return sn_fail(err, "Function \"%s\" not defined.", name);
	for (size_t i = 0; i < count; i++) {
		struct spot at = {spot->thread, i};
		const struct frame *frame = frames_at(in, at, &ignored);

		if (!frame || frame->inlined || !frame_entry(frame, &entry) ||
		    entry + frame->bias != value->addr)
			continue;
		*spot = at;
		return 0;
	}
	return sn_fail(err, "No frame for function \"%s\".", name);
}
