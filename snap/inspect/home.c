// SPDX-License-Identifier: Apache-2.0
/*
 * Writing where there is no address: the registers of a frame. Those of the innermost are the
 * thread's; those of an outer one are where the frames within it have saved them.
 */
#include "snap/inspect/changes.h"
#include "snap/inspect/variables.h"

enum {
	XSTATE_BV = 512, /* in NT_X86_XSTATE: which components are not as they are at first */
	XSTATE_SSE = 2,
	XSTATE_AVX = 4,
	XSTATE_YMM = 576, /* the upper halves */
	VECTORS = 16,
	/* what a process can change of eflags, and ptrace(2) lets through */
	EFLAGS_OWN = 0x54dd5,
};

struct home *home_new(const struct context *context, const struct piece *pieces, size_t count)
{
	struct home *home =
		inspect_alloc(context->in, sizeof(*home) + count * sizeof(home->pieces[0]));

	home->context = *context;
	home->count = count;
	memcpy(home->pieces, pieces, count * sizeof(*pieces));
	return home;
}

/* ---- a thread's registers ---- */

static uint64_t *register_field(Sn__Registers *r, unsigned number)
{
	uint64_t *const general[REG_COUNT] = {
		&r->rax, &r->rdx, &r->rcx, &r->rbx, &r->rsi, &r->rdi, &r->rbp, &r->rsp, &r->r8,
		&r->r9,	 &r->r10, &r->r11, &r->r12, &r->r13, &r->r14, &r->r15, &r->rip,
	};

	switch (number) {
	case REG_EFLAGS:
		return &r->eflags;
	case REG_FS_BASE:
		return &r->fs_base;
	case REG_GS_BASE:
		return &r->gs_base;
	case REG_ORIG_RAX:
		return &r->orig_rax;
	default:
		return number < REG_COUNT ? general[number] : NULL;
	}
}

/* One that goes on elsewhere does not issue its system call again. */
static void leave_call(Sn__Thread *thread)
{
	thread->registers->orig_rax = (uint64_t)-1;
	if (!thread->call)
		return;
	thread->call->nr = -1;
	thread->call->restart_block = thread->call->has_remaining = false;
	thread->call->remaining_ns = 0;
}

static int not_modifiable(struct sn_err *err)
{
	return sn_fail(err, "Attempt to assign to an unmodifiable value.");
}

static int write_vector(Sn__Thread *thread, unsigned number, size_t at, const uint8_t *bytes,
			size_t len, struct sn_err *err)
{
	ProtobufCBinaryData *xstate = &thread->registers->xstate;
	size_t from = FXSAVE_XMM + 16 * (size_t)(number - REG_XMM0) + at;

	if (at + len > 16 || xstate->len < XSTATE_BV + 8)
		return not_modifiable(err);
	memcpy(xstate->data + from, bytes, len);
	xstate->data[XSTATE_BV] |= XSTATE_SSE;
	return 0;
}

static int write_upper_half(Sn__Thread *thread, unsigned number, size_t at, const uint8_t *bytes,
			    size_t len, struct sn_err *err)
{
	ProtobufCBinaryData *xstate = &thread->registers->xstate;

	if (at + len > 16 || xstate->len < XSTATE_YMM + 16 * VECTORS)
		return not_modifiable(err);
	if (!(xstate->data[XSTATE_BV] & XSTATE_AVX)) /* what is there is of no meaning */
		memset(xstate->data + XSTATE_YMM, 0, 16 * VECTORS);
	xstate->data[XSTATE_BV] |= XSTATE_AVX;
	memcpy(xstate->data + XSTATE_YMM + 16 * number + at, bytes, len);
	return 0;
}

static int write_thread(const struct context *context, unsigned number, size_t at,
			const uint8_t *bytes, size_t len, struct sn_err *err)
{
	Sn__Thread *thread = changes_thread(context->in, context->thread);
	uint64_t *field = register_field(thread->registers, number), wanted;

	if (number >= REG_XMM0 && number <= REG_XMM15)
		return write_vector(thread, number, at, bytes, len, err);
	if (number >= REG_YMM0_HIGH && number < REG_YMM0_HIGH + VECTORS)
		return write_upper_half(thread, number - REG_YMM0_HIGH, at, bytes, len, err);
	if (!field || at + len > sizeof(*field))
		return not_modifiable(err);
	wanted = *field;
	memcpy((uint8_t *)&wanted + at, bytes, len);
	if (number == REG_EFLAGS)
		wanted = (*field & ~(uint64_t)EFLAGS_OWN) | (wanted & EFLAGS_OWN);
	if ((number == REG_FS_BASE || number == REG_GS_BASE) && wanted >> 47)
		return sn_fail(err, "0x%lx cannot be the base of a segment of a process", wanted);
	if (number == REG_RIP && wanted != *field)
		leave_call(thread);
	*field = wanted;
	return 0;
}

/* ---- a frame's ---- */

static int write_register(const struct context *context, unsigned number, size_t at,
			  const uint8_t *bytes, size_t len, struct sn_err *err)
{
	struct piece saved = {.kind = PLACE_REGISTER, .number = number};

	if (context->frame && number < REG_COUNT &&
	    location_saved(context, number, &saved, err) < 0)
		return -1;
	if (saved.kind == PLACE_MEMORY)
		return memory_write(context->in, saved.number + at, bytes, len, err);
	if (saved.kind != PLACE_REGISTER)
		return not_modifiable(err);
	return write_thread(context, (unsigned)saved.number, at, bytes, len, err);
}

static int write_piece(const struct context *context, const struct piece *piece, size_t at,
		       const uint8_t *bytes, size_t len, struct sn_err *err)
{
	if (piece->kind == PLACE_MEMORY)
		return memory_write(context->in, piece->number + at, bytes, len, err);
	if (piece->kind == PLACE_REGISTER)
		return write_register(context, (unsigned)piece->number, at, bytes, len, err);
	if (piece->kind == PLACE_VARIABLE)
		return variable_write(piece->variable, at, bytes, len, err);
	return sn_fail(err, "Left operand of assignment is not an lvalue.");
}

int home_write(const struct home *home, size_t at, const uint8_t *bytes, size_t len,
	       struct sn_err *err)
{
	size_t begin = 0;

	for (size_t i = 0; i < home->count && len > 0; i++) {
		size_t size = home->pieces[i].size ? home->pieces[i].size : SIZE_MAX - begin;
		size_t n = size - (at - begin) < len ? size - (at - begin) : len;

		if (at - begin < size) {
			if (write_piece(&home->context, &home->pieces[i], at - begin, bytes, n,
					err) < 0)
				return -1;
			bytes += n;
			at += n;
			len -= n;
		}
		begin += size;
	}
	return len ? sn_fail(err, "Left operand of assignment is not an lvalue.") : 0;
}
