// SPDX-License-Identifier: Apache-2.0
/*
 * What a function was called with, by the call site in its caller: DW_TAG_call_site has for each
 * register a parameter is in an expression that gives it in the caller's frame.
 */
#include "snap/inspect/location.h"

#include <dwarf.h>

/* The frame that called: the next physical one. NULL: there is none. */
static const struct frame *caller_of(const struct context *context)
{
	const struct stack *stack = &context->in->stacks[context->thread];
	const struct frame *frame = context->frame;
	struct sn_err ignored;
	size_t count;

	if (!frame || inspect_frames(context->in, context->thread, &count, &ignored) < 0)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (stack->frames[i].physical > frame->physical)
			return &stack->frames[i];
	}
	return NULL;
}

static bool is_call_site(int tag)
{
	return tag == DW_TAG_call_site || tag == DW_TAG_GNU_call_site;
}

static bool get_address(Dwarf_Die *die, unsigned name, unsigned old_name, uint64_t *addr)
{
	Dwarf_Attribute attr;

	return (dwarf_attr(die, name, &attr) || dwarf_attr(die, old_name, &attr)) &&
	       dwarf_formaddr(&attr, addr) == 0;
}

/* The call site that returns to `pc`, in a scope and those within it that are not functions of
 * their own. */
static bool find_site(Dwarf_Die *scope, uint64_t pc, Dwarf_Die *site, int depth)
{
	Dwarf_Die child;
	uint64_t back;
	int more;

	for (more = dwarf_child(scope, &child); more == 0 && depth < 64;
	     more = dwarf_siblingof(&child, &child)) {
		int tag = dwarf_tag(&child);

		if (is_call_site(tag)) {
			if (get_address(&child, DW_AT_call_return_pc, DW_AT_low_pc, &back) &&
			    back == pc) {
				*site = child;
				return true;
			}
		} else if ((tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine) &&
			   find_site(&child, pc, site, depth + 1)) {
			return true;
		}
	}
	return false;
}

/* Through a pointer: only where the caller says what it is. Else whoever was called may have gone
 * on to this function by a tail call. */
static bool target_is_frame(const struct context *context, const struct context *caller,
			    Dwarf_Die *site)
{
	struct sn_err ignored;
	Dwarf_Attribute attr;
	uint64_t own, target;

	return (dwarf_attr(site, DW_AT_call_target, &attr) ||
		dwarf_attr(site, DW_AT_GNU_call_site_target, &attr)) &&
	       location_number(caller, &attr, &target, &ignored) == 0 &&
	       frame_entry(context->frame, &own) && own + context->frame->bias == target;
}

/* A site that names another function than the frame's is that of a tail call's caller. */
static bool calls_frame(const struct context *context, const struct context *caller,
			Dwarf_Die *site)
{
	Dwarf_Attribute attr;
	Dwarf_Die callee;
	uint64_t own, other;
	const char *name;

	if (!dwarf_attr(site, DW_AT_call_origin, &attr) &&
	    !dwarf_attr(site, DW_AT_abstract_origin, &attr))
		return target_is_frame(context, caller, site);
	if (!dwarf_formref_die(&attr, &callee) || !frame_entry(context->frame, &own))
		return false;
	if (die_entry(&callee, &other) == 0)
		return own == other;
	/* the abstract one of another unit (-flto): as gdb, which does not go on from there */
	if (!dwarf_hasattr_integrate(&callee, DW_AT_declaration))
		return false;
	name = die_name(&callee);
	return name && symbol_is_at(context->in, own + context->frame->bias, name);
}

static bool is_in_register(Dwarf_Die *parameter, unsigned reg)
{
	Dwarf_Attribute attr;
	Dwarf_Op *ops;
	size_t count;

	return dwarf_attr(parameter, DW_AT_location, &attr) &&
	       dwarf_getlocation(&attr, &ops, &count) == 0 && count == 1 &&
	       ops[0].atom == DW_OP_reg0 + reg;
}

int entry_value(const struct context *context, unsigned reg, uint64_t *value)
{
	const struct frame *caller = caller_of(context);
	struct context there = {context->in, NULL, caller, context->thread};
	Dwarf_Die function, site, child;
	Dwarf_Attribute attr;
	struct sn_err ignored;
	int more;

	if (!caller || !caller->path_len || caller->signal || context->frame->signal)
		return 0;
	there.module = caller->module;
	function = frame_subprogram(caller);
	if (!find_site(&function, caller->pc - caller->bias, &site, 0) ||
	    !calls_frame(context, &there, &site))
		return 0;
	for (more = dwarf_child(&site, &child); more == 0; more = dwarf_siblingof(&child, &child)) {
		if (!is_in_register(&child, reg))
			continue;
		return (dwarf_attr(&child, DW_AT_call_value, &attr) ||
			dwarf_attr(&child, DW_AT_GNU_call_site_value, &attr)) &&
		       location_number(&there, &attr, value, &ignored) == 0;
	}
	return 0;
}

int entry_of_parameter(const struct context *context, Dwarf_Die *die, uint64_t *value)
{
	Dwarf_Attribute attr;
	Dwarf_Op *ops;
	size_t count;
	uint64_t entry;

	if (!context->frame || context->frame->inlined ||
	    !dwarf_attr_integrate(die, DW_AT_location, &attr) ||
	    !frame_entry(context->frame, &entry))
		return 0;
	if (dwarf_getlocation(&attr, &ops, &count) != 0 &&
	    dwarf_getlocation_addr(&attr, entry, &ops, &count, 1) != 1)
		return 0;
	if (count != 1 || ops[0].atom < DW_OP_reg0 || ops[0].atom > DW_OP_reg31)
		return 0;
	return entry_value(context, ops[0].atom - DW_OP_reg0, value);
}
