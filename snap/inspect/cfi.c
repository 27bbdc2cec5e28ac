// SPDX-License-Identifier: Apache-2.0
/* Call frame information: where a frame begins, and where its caller's registers are saved. */
#include "snap/inspect/location.h"

#include <dwarf.h>

/* The rules that hold where a frame is; malloc'd by libdw, NULL: there are none. */
static Dwarf_Frame *find_rules(const struct frame *frame, uint64_t *bias)
{
	Dwarf_Frame *rules = NULL;
	Dwarf_CFI *cfis[2];
	Dwarf_Addr biases[2];

	if (!frame->module || !frame->module->dwfl)
		return NULL;
	cfis[0] = dwfl_module_eh_cfi(frame->module->dwfl, &biases[0]);
	cfis[1] = dwfl_module_dwarf_cfi(frame->module->dwfl, &biases[1]);
	for (size_t i = 0; i < 2; i++) {
		if (!cfis[i] || dwarf_cfi_addrframe(cfis[i], frame->look - biases[i], &rules) != 0)
			continue;
		*bias = biases[i];
		return rules;
	}
	return NULL;
}

int location_cfa(const struct context *context, uint64_t *cfa, struct sn_err *err)
{
	sn_auto_free Dwarf_Frame *rules = NULL;
	struct place place;
	uint64_t bias;
	Dwarf_Op *ops;
	size_t count;

	if (!context->frame || !context->frame->module || !context->frame->module->dwfl)
		return sn_fail(err, "No frame selected.");
	rules = find_rules(context->frame, &bias);
	if (!rules || dwarf_frame_cfa(rules, &ops, &count) != 0 || !count)
		return sn_fail(err, "the frame's address is not known");
	/* none of what computes it may ask for it */
	for (size_t i = 0; i < count; i++)
		if (ops[i].atom == DW_OP_call_frame_cfa || ops[i].atom == DW_OP_fbreg)
			return sn_fail(err, "the frame's address is not known");
	if (location_run(context, NULL, bias, ops, count, &place, err) < 0)
		return -1;
	if (place.pieces[0].kind != PLACE_MEMORY)
		return sn_fail(err, "the frame's address is not known");
	*cfa = place.pieces[0].number;
	return 0;
}

/* The frame that a frame called: of the next inner physical one. */
static const struct frame *callee_of(const struct context *context, size_t physical)
{
	const struct stack *stack = &context->in->stacks[context->thread];

	for (size_t i = 0; i < stack->count; i++) {
		if (stack->frames[i].physical == physical - 1)
			return &stack->frames[i];
	}
	return NULL;
}

int location_saves(const struct context *callee, unsigned reg, struct piece *piece,
		   struct sn_err *err)
{
	sn_auto_free Dwarf_Frame *rules = NULL;
	Dwarf_Op room[3], *ops;
	struct place place;
	uint64_t bias;
	size_t count;

	*piece = (struct piece){.kind = PLACE_NONE};
	rules = find_rules(callee->frame, &bias);
	if (!rules || dwarf_frame_register(rules, (int)reg, room, &ops, &count) != 0)
		return 0;
	*piece = (struct piece){.kind = PLACE_REGISTER, .number = reg};
	/* unchanged; and what there is no rule for is taken to be so, as in unwind.c */
	if (count == 0)
		return 0;
	if (location_run(callee, NULL, bias, ops, count, &place, err) < 0)
		return -1;
	*piece = place.pieces[0];
	return 0;
}

int location_saved(const struct context *context, unsigned reg, struct piece *piece,
		   struct sn_err *err)
{
	struct context callee = *context;
	size_t count;

	/* the stack may have been forgotten since the frame was looked up */
	if (inspect_frames(context->in, context->thread, &count, err) < 0)
		return -1;
	*piece = (struct piece){.kind = PLACE_REGISTER, .number = reg};
	for (size_t at = context->frame->physical; at > 0; at--) {
		callee.frame = callee_of(context, at);
		if (!callee.frame)
			return sn_fail(err, "No frame selected.");
		callee.module = callee.frame->module;
		if (location_saves(&callee, (unsigned)piece->number, piece, err) < 0)
			return -1;
		if (piece->kind != PLACE_REGISTER)
			break;
	}
	if (piece->kind == PLACE_VALUE || piece->kind == PLACE_BYTES)
		piece->kind = PLACE_NONE;
	return 0;
}
