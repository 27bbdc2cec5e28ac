/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only ABI shared between snapsh and the code it injects: what parasite.S
 * reads and writes. Both sides include this file; the assembler sees the offsets.
 *
 * A window of WINDOW_BYTES in the target holds, in this order:
 *
 *	WINDOW_HOME      struct parasite_home: how the thread gets home
 *	WINDOW_CODE      the interpreter
 *	WINDOW_FRAME     a signal frame with the registers the thread goes home to
 *	WINDOW_REQUESTS  the requests of one batch
 *	WINDOW_ROOM      what their pointer arguments point to
 */
#ifndef PARASITE_WIRE_H
#define PARASITE_WIRE_H

#define WINDOW_HOME 0x0
#define WINDOW_CODE 0x100
#define WINDOW_FRAME 0x400
#define WINDOW_REQUESTS 0x8000
#define WINDOW_ROOM 0x58000
#define WINDOW_BYTES 0x1fd000 /* no size a program would ask for: a lost window is known by it */

#define REQUEST_BYTES 80
#define REQUEST_ARGS 8
#define REQUEST_RESULT 56
#define REQUEST_REFS 64
#define REQUEST_FLAGS 76
#define REQUEST_STOP_ON_ERROR 1

#define HOME_MAGIC 0
#define HOME_TGID 8
#define HOME_TID 16
#define HOME_SIGNAL 24
#define HOME_SP 32

#define WINDOW_MAGIC 0x776f646e69776e73 /* "snwindow" */

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

/* One system call. refs[i] = n > 0: args[i] is the result of request n - 1 of this batch. */
struct parasite_request {
	int64_t nr;
	uint64_t args[6];
	int64_t result; /* as the kernel returns it: -4095..-1 is an errno */
	uint16_t refs[6];
	uint32_t flags; /* REQUEST_* */
};

/*
 * After a batch the thread signals itself with a signal it ignores. A tracer stops
 * it there; without one (snapsh is gone) the signal is nothing and the thread goes home
 * through rt_sigreturn on the frame that sp says.
 */
struct parasite_home {
	uint64_t magic;
	int64_t tgid;
	int64_t tid;
	int64_t signal; /* 0: none to be had; the tracer steps from call to call instead */
	uint64_t sp;
};

_Static_assert(sizeof(struct parasite_request) == REQUEST_BYTES, "wire format");
_Static_assert(offsetof(struct parasite_request, args) == REQUEST_ARGS, "wire format");
_Static_assert(offsetof(struct parasite_request, result) == REQUEST_RESULT, "wire format");
_Static_assert(offsetof(struct parasite_request, refs) == REQUEST_REFS, "wire format");
_Static_assert(offsetof(struct parasite_request, flags) == REQUEST_FLAGS, "wire format");
_Static_assert(offsetof(struct parasite_home, sp) == HOME_SP, "wire format");
#endif

#endif
