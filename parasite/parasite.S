/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interpreter: the only code of ours that ever runs in a target.
 *
 * In:  r12  the first request, r13 the end of the requests, r14 the request that
 *      refs count from, r15 the struct parasite_home.
 * Out: every request up to the first that failed with REQUEST_STOP_ON_ERROR has its
 *      result; the tracer finds the thread at parasite_stop.
 *
 * It touches no stack, no memory but the window, and ends in the thread's own
 * rt_sigreturn: see wire.h. rcx and r11 die in every system call, rbx is scratch.
 */
#include "parasite/wire.h"

	.text
	.globl parasite_run, parasite_syscall, parasite_stop, parasite_amx, parasite_end
parasite_run:
1:	cmp	%r13, %r12
	jae	9f
	xor	%ebx, %ebx
2:	movzwl	REQUEST_REFS(%r12,%rbx,2), %eax
	test	%eax, %eax
	jz	3f
	dec	%eax
	imul	$REQUEST_BYTES, %rax, %rax
	mov	REQUEST_RESULT(%r14,%rax), %rax
	mov	%rax, REQUEST_ARGS(%r12,%rbx,8)
3:	inc	%ebx
	cmp	$6, %ebx
	jb	2b
	mov	(%r12), %rax
	mov	REQUEST_ARGS+0(%r12), %rdi
	mov	REQUEST_ARGS+8(%r12), %rsi
	mov	REQUEST_ARGS+16(%r12), %rdx
	mov	REQUEST_ARGS+24(%r12), %r10
	mov	REQUEST_ARGS+32(%r12), %r8
	mov	REQUEST_ARGS+40(%r12), %r9
parasite_syscall:
	syscall
	mov	%rax, REQUEST_RESULT(%r12)
	testl	$REQUEST_STOP_ON_ERROR, REQUEST_FLAGS(%r12)
	jz	4f
	cmp	$-4096, %rax
	ja	9f
4:	add	$REQUEST_BYTES, %r12
	jmp	1b

	/* Done: tell the tracer by a signal that is nothing without one. */
9:	mov	HOME_TGID(%r15), %rdi
	mov	HOME_TID(%r15), %rsi
	mov	HOME_SIGNAL(%r15), %rdx
	mov	$234, %eax		/* tgkill */
	syscall
parasite_stop:
	mov	HOME_SP(%r15), %rsp
	mov	$15, %eax		/* rt_sigreturn */
	syscall

	/*
	 * The kernel takes tile data by PTRACE_SETREGSET only from a thread that has
	 * executed a tile instruction. r12: a tile configuration.
	 */
parasite_amx:
	.byte	0xc4, 0xc2, 0x78, 0x49, 0x04, 0x24	/* ldtilecfg (%r12) */
	.byte	0xc4, 0xe2, 0x7b, 0x49, 0xc0		/* tilezero %tmm0 */
	.byte	0xc4, 0xe2, 0x78, 0x49, 0xc0		/* tilerelease */
	jmp	9b
parasite_end:
	.section .note.GNU-stack, "", @progbits
