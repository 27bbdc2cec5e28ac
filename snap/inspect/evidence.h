/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an evaluation went by, so that it need not be done again where all of that is the same.
 * Internal to snap/inspect/.
 *
 *	in->reads = &reads; evaluate; in->reads = NULL; reads_end
 *	... in is moved to another snapshot ...
 *	evidence_holds -> the value there is the one that was found
 *
 * Written down are: the pages, by what their bytes are those of; whether registers were used, and
 * the pages that unwinding took; and which DIE each name was found to mean in the frame. A global
 * variable depends on the frame only by that: in another function its name may be a local's.
 */
#ifndef SNAP_INSPECT_EVIDENCE_H
#define SNAP_INSPECT_EVIDENCE_H

#include "snap/inspect/internal.h"

enum {
	USES_REGISTERS = 1,
	USES_VECTORS = 2,
	USES_FS_BASE = 4,
	USES_STACK = 8,	   /* other frames than the first */
	USES_AS_VALUE = 16, /* the value, or a part of it, is in a register */
};

struct page_list {
	struct page_seen {
		uint64_t addr;
		struct page_source source;
	} *pages;
	size_t count, cap;
};

struct lookup_seen {
	bool symbol;
	int tag;
	char *name;
	const void *die; /* NULL: nothing was found */
};

struct reads {
	struct page_list value;
	struct page_list stack; /* what unwinding read */
	bool in_stack;
	unsigned uses;
	struct lookup_seen *lookups;
	size_t lookup_count;

	/* Filled by reads_end. */
	uint64_t layout;
	uint64_t serial; /* a DIE's address means nothing in another */
	bool has_thread;
	Sn__Registers registers; /* without xstate */
	uint64_t xstate_sum;
};

/* reads NULL: nobody wants to know. */
void reads_page(struct reads *reads, uint64_t addr, struct page_source source);
void reads_use(struct reads *reads, unsigned uses);
void reads_lookup(struct reads *reads, bool symbol, int tag, const char *name, const void *die);
/* Around unwinding. */
void reads_stack_begin(struct reads *reads);
void reads_stack_end(struct reads *reads);

/* Adds what the thread had then. */
void reads_end(struct reads *reads, const struct inspect *in, struct spot spot);
void reads_release(struct reads *reads);

/* Whether the same evaluation in the snapshot that `in` looks at would find the same. */
bool evidence_holds(struct inspect *in, struct spot spot, const struct reads *reads);

/* Whether what the value was made of was written between, or may have been: a page, a register
 * it was in. Where it only had to be found, by frames and names, it was not. */
bool evidence_is_written(struct inspect *in, const struct reads *reads);

#endif
