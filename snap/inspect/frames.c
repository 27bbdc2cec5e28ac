// SPDX-License-Identifier: Apache-2.0
/*
 * From addresses to functions: the scopes around one, inlined calls as frames of their own,
 * names and lines.
 */
#include "snap/inspect/cplus.h"

#include <dwarf.h>

enum { DEPTH_MAX = 256 };

/* ---- scopes ---- */

Dwarf_Die unit_whole(const Dwarf_Die *cu)
{
	Dwarf_Die split;
	Dwarf_Files *files;
	uint8_t type;
	size_t count;

	/* its files first: dwarf_decl_file() of elfutils 0.188 relies on that */
	if (dwarf_cu_info(cu->cu, NULL, &type, NULL, &split, NULL, NULL, NULL) == 0 &&
	    type == DW_UT_skeleton && dwarf_tag(&split) > 0 &&
	    dwarf_getsrcfiles(&split, &files, &count) == 0)
		return split;
	return *cu;
}

bool find_cu(struct module *module, uint64_t addr, Dwarf_Die *cu, uint64_t *bias)
{
	Dwarf_Die *die = dwfl_module_addrdie(module->dwfl, addr, bias);

	/* .debug_aranges is not always there, or not whole */
	if (!die) {
		while ((die = dwfl_module_nextcu(module->dwfl, die, bias))) {
			if (dwarf_haspc(die, addr - *bias) > 0)
				break;
		}
	}
	if (!die)
		return false;
	*cu = unit_whole(die);
	return true;
}

static bool holds_functions(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_class_type ||
	       tag == DW_TAG_structure_type || tag == DW_TAG_module;
}

static bool is_scope(int tag)
{
	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine ||
	       tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
	       tag == DW_TAG_catch_block || tag == DW_TAG_with_stmt;
}

/* The scopes around addr under `die`, outermost first, in path[]. */
static size_t find_scopes(Dwarf_Die *die, uint64_t addr, Dwarf_Die *path, size_t depth)
{
	bool assembler = depth == 0 && dwarf_srclang(die) == DW_LANG_Mips_Assembler;
	Dwarf_Die child;
	size_t found_last = 0;
	int more;

	for (more = dwarf_child(die, &child); more == 0; more = dwarf_siblingof(&child, &child)) {
		int tag = dwarf_tag(&child);

		if (holds_functions(tag) && depth == 0) {
			size_t found = find_scopes(&child, addr, path, depth);

			if (found)
				return found;
		}
		if (!is_scope(tag) || dwarf_haspc(&child, addr) <= 0)
			continue;
		path[depth] = child;
		if (assembler) { /* several names for one function: gdb's is the last */
			found_last = 1;
			continue;
		}
		depth++;
		return depth < DEPTH_MAX ? find_scopes(&child, addr, path, depth) : depth;
	}
	return depth + found_last;
}

static struct frame *push(struct stack *stack, const struct frame *frame)
{
	if (stack->count == stack->cap) {
		stack->cap = stack->cap ? 2 * stack->cap : 16;
		stack->frames = sn_realloc(stack->frames, stack->cap, sizeof(*stack->frames));
	}
	stack->frames[stack->count] = *frame;
	return &stack->frames[stack->count++];
}

/* A function that is written within another, as a lambda is: its code lies elsewhere. */
static size_t find_nested(Dwarf_Die *die, uint64_t addr, Dwarf_Die *path, size_t depth)
{
	Dwarf_Die child;
	int more;

	for (more = dwarf_child(die, &child); more == 0 && depth < 64;
	     more = dwarf_siblingof(&child, &child)) {
		int tag = dwarf_tag(&child);
		size_t found;

		if (tag == DW_TAG_subprogram && dwarf_haspc(&child, addr) > 0) {
			path[0] = child;
			return find_scopes(&child, addr, path, 1);
		}
		found = is_scope(tag) || holds_functions(tag)
				? find_nested(&child, addr, path, depth + 1)
				: 0;
		if (found)
			return found;
	}
	return 0;
}

void frames_append(struct inspect *in, struct stack *stack, const struct frame *physical)
{
	struct frame frame = *physical;
	Dwarf_Die path[DEPTH_MAX], *kept;
	size_t depth = 0, end, start;

	if (frame.module && frame.module->dwfl)
		frame.has_cu = find_cu(frame.module, frame.look, &frame.cu, &frame.bias);
	if (frame.has_cu && !frame.signal)
		depth = find_scopes(&frame.cu, frame.look - frame.bias, path, 0);
	if (depth == 0 && frame.has_cu && !frame.signal && cplus_is(&frame.cu))
		depth = find_nested(&frame.cu, frame.look - frame.bias, path, 0);
	if (depth == 0) {
		push(stack, &frame);
		return;
	}
	kept = inspect_alloc(in, depth * sizeof(*kept));
	memcpy(kept, path, depth * sizeof(*kept));
	for (end = depth; end > 0; end = start) {
		for (start = end - 1; start > 0; start--) {
			if (dwarf_tag(&kept[start]) == DW_TAG_inlined_subroutine)
				break;
		}
		frame.path = kept + start;
		frame.path_len = end - start;
		frame.inlined = start > 0;
		push(stack, &frame);
		frame.has_inner = true;
		frame.inner = kept[start];
	}
}

struct frame *frames_at(struct inspect *in, struct spot spot, struct sn_err *err)
{
	size_t count = 0;
	struct stack *top;

	if (spot.thread < in->task->n_threads) {
		top = &in->tops[spot.thread];
		if (!top->frames && stack_top(in, spot.thread, top, err) < 0)
			return NULL;
		if (spot.frame < top->count)
			return &top->frames[spot.frame];
	}
	if (inspect_frames(in, spot.thread, &count, err) < 0)
		return NULL;
	if (spot.frame >= count) {
		sn_fail(err, "No frame at level %zu.", spot.frame);
		return NULL;
	}
	return &in->stacks[spot.thread].frames[spot.frame];
}

size_t frames_level(const struct inspect *in, size_t thread, const struct frame *frame)
{
	const struct stack *top = &in->tops[thread];

	if (top->frames && frame >= top->frames && frame < top->frames + top->count)
		return (size_t)(frame - top->frames);
	return (size_t)(frame - in->stacks[thread].frames);
}

int inspect_frames(struct inspect *in, size_t thread, size_t *count, struct sn_err *err)
{
	struct stack *stack;

	if (thread >= in->task->n_threads)
		return sn_fail(err, "Unknown thread %zu.", thread + 1);
	stack = &in->stacks[thread];
	if (!stack->frames && stack_unwind(in, thread, stack, err) < 0)
		return -1;
	*count = stack->count;
	return 0;
}

/* ---- names and lines ---- */

const char *die_name(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	const char *linked = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attr));

	/* other than in C++ a linkage name is what gdb shows */
	if (linked && strncmp(linked, "_Z", 2) != 0)
		return linked;
	return dwarf_formstring(dwarf_attr_integrate(die, DW_AT_name, &attr));
}

int die_entry(Dwarf_Die *die, Dwarf_Addr *entry)
{
	Dwarf_Addr base, end;

	if (dwarf_entrypc(die, entry) == 0)
		return 0;
	return dwarf_ranges(die, 0, &base, entry, &end) > 0 ? 0 : -1;
}

const char *frame_function(struct inspect *in, const struct frame *frame)
{
	uint64_t offset;

	if (frame->path_len) {
		const char *name = cplus_function(in, &frame->path[0]);

		if (name)
			return name;
	}
	return cplus_demangled(in, symbol_at(in, frame->look, &offset));
}

/* Where the inner, inlined function was called. */
static bool call_line(const struct frame *frame, const char **file, int *line)
{
	Dwarf_Die cu = frame->cu, inner = frame->inner;
	Dwarf_Attribute attr;
	Dwarf_Word file_at, line_at;
	Dwarf_Files *files;
	size_t count;

	if (dwarf_formudata(dwarf_attr(&inner, DW_AT_call_line, &attr), &line_at) != 0)
		return false;
	*line = (int)line_at;
	if (dwarf_formudata(dwarf_attr(&inner, DW_AT_call_file, &attr), &file_at) != 0 ||
	    dwarf_getsrcfiles(&cu, &files, &count) != 0)
		return false;
	*file = dwarf_filesrc(files, file_at, NULL, NULL);
	return *file != NULL;
}

bool frame_line(struct inspect *in, const struct frame *frame, const char **file, int *line,
		uint64_t *start)
{
	struct line_span span;

	(void)in;
	*start = 0;
	if (!frame->has_cu || !frame->path_len)
		return false;
	if (frame->has_inner) {
		if (!call_line(frame, file, line))
			return false;
	} else {
		if (!line_find(&frame->cu, frame->look - frame->bias, &span))
			return false;
		*file = span.file;
		*line = span.line;
		*start = span.start + frame->bias;
	}
	*file = line_file_name(&frame->cu, *file);
	return true;
}

int inspect_frame(struct inspect *in, struct spot spot, struct frame_words *words,
		  struct sn_err *err)
{
	const struct frame *frame = frames_at(in, spot, err);
	const char *text, *file;
	uint64_t start;

	memset(words, 0, sizeof(*words));
	if (!frame)
		return -1;
	words->pc = frame->pc;
	words->signal = frame->signal;
	words->show_pc = true;
	text = frame_function(in, frame);
	words->function = text ? sn_strdup(text) : NULL;
	if (frame_line(in, frame, &file, &words->line, &start)) {
		words->file = sn_strdup(file);
		words->show_pc = !frame->has_inner && frame->pc != start;
	} else if (frame->module && !frame->module->is_main && !frame->path_len &&
		   frame->module->link_map) {
		words->module = sn_strdup(frame->module->name);
	}
	words->has_args = frame->path_len > 0;
	frame_args(in, spot, words);
	return 0;
}

void named_text_free(struct named_text *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(list[i].name);
		free(list[i].value);
		free(list[i].entry);
	}
	free(list);
}

void frame_words_release(struct frame_words *words)
{
	named_text_free(words->args, words->arg_count);
	free(words->function);
	free(words->file);
	free(words->module);
	memset(words, 0, sizeof(*words));
}
