// SPDX-License-Identifier: Apache-2.0
/*
 * What gdb shows as $fp and as the place of a frame's arguments: the frame pointer of a function
 * that begins by making one, else what stands for it by the stack pointer.
 */
#include "snap/inspect/internal.h"

#include <dwarf.h>

enum { PROLOGUE_MAX = 8 };

static bool begins(const uint8_t *code, size_t *at, const char *bytes, size_t len)
{
	if (*at + len > PROLOGUE_MAX || memcmp(code + *at, bytes, len) != 0)
		return false;
	*at += len;
	return true;
}

/* How much of "push %rbp; mov %rsp, %rbp" has been run. */
static unsigned prologue_steps(struct inspect *in, const struct frame *frame, uint64_t start)
{
	uint8_t code[PROLOGUE_MAX];
	struct sn_err ignored;
	size_t at = 0, done = frame->pc - start;

	if (inspect_read(in, start, code, sizeof(code), &ignored) < 0)
		return 0;
	begins(code, &at, "\xf3\x0f\x1e\xfa", 4); /* endbr64 */
	if (!begins(code, &at, "\x55", 1) || done < at)
		return 0;
	if (!begins(code, &at, "\x48\x89\xe5", 3) && !begins(code, &at, "\x48\x8b\xec", 3))
		return 1;
	return done < at ? 1 : 2;
}

Dwarf_Die frame_subprogram(const struct frame *frame)
{
	const Dwarf_Die *at = frame->path;

	while (dwarf_tag((Dwarf_Die *)at) != DW_TAG_subprogram)
		at--;
	return *at;
}

bool frame_entry(const struct frame *frame, uint64_t *entry)
{
	Dwarf_Die function;

	if (!frame->path_len)
		return false;
	function = frame_subprogram(frame);
	return die_entry(&function, entry) == 0;
}

static bool find_start(struct inspect *in, const struct frame *frame, uint64_t *start)
{
	const struct symbol *symbol;

	if (frame_entry(frame, start)) {
		*start += frame->bias;
		return true;
	}
	symbol = symbol_find(in, frame->look);
	*start = symbol ? symbol->addr : 0;
	return symbol != NULL;
}

bool frame_pointer(struct inspect *in, const struct frame *frame, uint64_t *base)
{
	unsigned steps = 0, reg;
	uint64_t start;

	if (find_start(in, frame, &start))
		steps = prologue_steps(in, frame, start);
	reg = steps == 2 ? REG_RBP : REG_RSP;
	if (!(frame->known & (1U << reg)))
		return false;
	*base = frame->regs[reg] - (steps == 0 ? sizeof(uint64_t) : 0);
	return true;
}
