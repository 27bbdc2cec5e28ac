// SPDX-License-Identifier: Apache-2.0
#include "core/task/frame.h"

#include <cpuid.h>
#include <string.h>

enum {
	FP_XSTATE_MAGIC1 = 0x46505853,
	FP_XSTATE_MAGIC2 = 0x46505845,
	FP_SW_OFFSET = 464,     /* of struct _fpx_sw_bytes in the legacy area */
	XSTATE_BV_OFFSET = 512, /* components in use, at the head of the XSAVE header */
	XSTATE_TILE_DATA = 18,
	TILE_DATA_BYTES = 8192,
	UC_FP_XSTATE = 1,
	UC_SIGCONTEXT_SS = 2,
	UC_STRICT_RESTORE_SS = 4,
	NO_SUCH_STACK = 7, /* ss_flags the kernel refuses, and so leaves the stack as it is */
};

struct sigframe {
	uint64_t pretcode;
	uint64_t uc_flags, uc_link;
	uint64_t ss_sp;
	uint32_t ss_flags, pad;
	uint64_t ss_size;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2;
	uint64_t fpstate;
	uint64_t reserved[8];
	uint64_t sigmask;
};

struct fp_software {
	uint32_t magic1, extended_bytes;
	uint64_t xfeatures;
	uint32_t xstate_bytes, pad[7];
};

/* A thread without permission for tile data has a smaller state in signal frames. */
static size_t state_bytes(const struct task_thread *thread)
{
	unsigned int size, offset, flags, unused;
	uint64_t in_use;

	if (thread->xstate_bytes < TILE_DATA_BYTES) /* cpuid can cost 10 us in a guest */
		return thread->xstate_bytes;
	memcpy(&in_use, thread->xstate + XSTATE_BV_OFFSET, sizeof(in_use));
	if (in_use >> XSTATE_TILE_DATA & 1)
		return thread->xstate_bytes;
	if (!__get_cpuid_count(0xd, XSTATE_TILE_DATA, &size, &offset, &flags, &unused) ||
	    size == 0 || offset > thread->xstate_bytes)
		return thread->xstate_bytes;
	return offset - 64; /* the tile configuration before it goes too */
}

static void fill_registers(struct sigframe *frame, const struct user_regs_struct *regs)
{
	frame->r8 = regs->r8;
	frame->r9 = regs->r9;
	frame->r10 = regs->r10;
	frame->r11 = regs->r11;
	frame->r12 = regs->r12;
	frame->r13 = regs->r13;
	frame->r14 = regs->r14;
	frame->r15 = regs->r15;
	frame->rdi = regs->rdi;
	frame->rsi = regs->rsi;
	frame->rbp = regs->rbp;
	frame->rbx = regs->rbx;
	frame->rdx = regs->rdx;
	frame->rax = regs->rax;
	frame->rcx = regs->rcx;
	frame->rsp = regs->rsp;
	frame->rip = regs->rip;
	frame->eflags = regs->eflags;
	frame->cs = (uint16_t)regs->cs;
	frame->ss = (uint16_t)regs->ss;
}

size_t frame_build(uint8_t buf[FRAME_MAX_BYTES], const struct task_thread *thread,
		   uint64_t addr, uint64_t restorer)
{
	const size_t fp_offset = (sizeof(struct sigframe) + 128 + 63) & ~(size_t)63;
	size_t fp_bytes = thread->xstate ? state_bytes(thread) : 0;
	struct user_regs_struct regs = thread->home;
	struct fp_software *software = (struct fp_software *)(buf + fp_offset + FP_SW_OFFSET);
	const uint32_t magic2 = FP_XSTATE_MAGIC2;
	struct sigframe frame = {
		.pretcode = restorer,
		.uc_flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS,
		.ss_flags = NO_SUCH_STACK,
		.sigmask = thread->home_mask,
	};

	call_rewind(&thread->call, &regs);
	fill_registers(&frame, &regs);
	frame.fpstate = fp_bytes ? addr + fp_offset : 0;
	memset(buf, 0, fp_offset);
	memcpy(buf, &frame, sizeof(frame));
	if (!fp_bytes)
		return fp_offset;
	memcpy(buf + fp_offset, thread->xstate, fp_bytes);
	memset(software, 0, sizeof(*software));
	software->magic1 = FP_XSTATE_MAGIC1;
	software->extended_bytes = (uint32_t)(fp_bytes + sizeof(magic2));
	/* in a regset these eight bytes hold the components enabled at all */
	memcpy(&software->xfeatures, thread->xstate + FP_SW_OFFSET, sizeof(uint64_t));
	software->xstate_bytes = (uint32_t)fp_bytes;
	memcpy(buf + fp_offset + fp_bytes, &magic2, sizeof(magic2));
	return fp_offset + fp_bytes + sizeof(magic2);
}
