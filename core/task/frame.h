/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way home: a signal frame as the kernel lays one on a stack, from which
 * rt_sigreturn(2) puts a thread back to where it was, with nobody's help.
 *
 * Layout: struct rt_sigframe and struct sigcontext of arch/x86 (asm/sigcontext.h,
 * asm/ucontext.h), processor state as described in asm/sigcontext.h at _fpx_sw_bytes.
 */
#ifndef CORE_TASK_FRAME_H
#define CORE_TASK_FRAME_H

#include "core/task/task.h"

enum { FRAME_MAX_BYTES = 20 * 1024, FRAME_RETURN_OFFSET = 8 };

/*
 * Builds the frame that lies at `addr` (a multiple of 64, in the target) and leads the
 * thread home. `restorer` is what a `ret` at addr goes to: code that calls rt_sigreturn, or
 * 0 when the frame is entered with rsp = addr + FRAME_RETURN_OFFSET instead.
 * Returns its length in bytes.
 */
size_t frame_build(uint8_t buf[FRAME_MAX_BYTES], const struct task_thread *thread,
		   uint64_t addr, uint64_t restorer);

#endif
