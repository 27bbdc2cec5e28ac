/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a compare. Internal to snap/inspect/. */
#ifndef SNAP_INSPECT_COMPARE_INTERNAL_H
#define SNAP_INSPECT_COMPARE_INTERNAL_H

#include "snap/inspect/compare.h"
#include "snap/inspect/value.h"

enum { GRANULE_BYTES = PAGE_BYTES / 64 };

/* Addresses from here on are no process's: objects that are not mapped have them. */
#define UNMAPPED_START (UINT64_C(0xffff) << 48)

/* A stretch of address space that is compared: `from` of the first side with `to` of the other. */
struct span {
	uint64_t from, to, len;
	const Sn__Mapping *from_mapping, *to_mapping;
};

/* A page with other contents. */
struct changed_page {
	uint64_t from, to; /* addresses */
	uint64_t mask;	   /* bit i: some byte of its i-th 64 differs */
	uint32_t bytes;	   /* that differ */
	uint32_t span;
};

struct compare {
	struct inspect *from, *to;
	bool moved;
	Sn__Mapping *unmapped; /* stand for objects without a mapping */
	struct span *spans;    /* by `from`; they do not overlap */
	size_t span_count;
	struct changed_page *pages; /* by `from` */
	size_t page_count, page_cap;
	uint64_t *rseqs; /* where threads have theirs, in order */
	size_t rseq_count;
	uint64_t lone_pages; /* that only one side has, with contents */
};

/* ---- compare_pair.c ---- */

void spans_find(struct compare *compare);
/* The span an address of the first side is in; NULL: none. */
const struct span *compare_span(const struct compare *compare, uint64_t addr);
/* What lies on the other side where `addr` lies on the first; false: nothing does. */
bool compare_translate(const struct compare *compare, uint64_t addr, uint64_t *to);
/* What a mapping is: "heap", "stack of thread 1", "libc.so.6: data"; malloc'd. */
char *mapping_words(const struct inspect *in, const Sn__Mapping *mapping, bool with_address);
/* Whether two mappings, at the same address or matched, are of the same memory. */
bool mapping_is_same(const Sn__Mapping *a, const Sn__Mapping *b);

/* ---- compare_pages.c ---- */

int pages_compare(struct compare *compare, struct sn_err *err);
/* The first 64 bytes from addr on that hold a difference, cut to addr; `end` when there is none
 * before it. */
uint64_t compare_next(const struct compare *compare, uint64_t addr, uint64_t end);
/* Whether the bytes of both sides are known to be equal without a look. */
bool compare_is_same(const struct compare *compare, uint64_t from, uint64_t to, uint64_t len);

/* ---- compare_bytes.c ---- */

void rseqs_find(struct compare *compare);
/* Fills mask and bytes; true: something differs. */
bool page_differs(const struct compare *compare, struct changed_page *page, uint8_t *from,
		  uint8_t *to);

/* ---- compare_values.c ---- */

/* What is found goes to `out`, at most max of it. */
struct finding {
	struct compare *compare;
	struct value_changes *out;
	size_t max;
	size_t steps; /* that were taken: damaged types could go on for ever */
	char *path;
	size_t path_len, path_cap;
};
void finding_begin(struct finding *finding, struct compare *compare, struct value_changes *out,
		   size_t max);
void finding_end(struct finding *finding);
/* Compares two values, called `name`. */
void values_compare(struct finding *finding, const char *name, struct value *from,
		    struct value *to);

/* For it and compare_arrays.c: a part is entered, and left with what entering returned. */
size_t finding_enter(struct finding *finding, const char *part);
void finding_leave(struct finding *finding, size_t before);
void finding_compare(struct finding *f, struct value *a, struct value *b, int depth);
void finding_array(struct finding *f, struct value *a, struct value *b, int depth);
/* Of scalars. What can be read on neither side is equal. */
bool finding_is_equal(struct finding *f, struct value *a, struct value *b);
/* Adds a difference, its texts taken, or where they are values and do not read the same; counts
 * one, and is true, when there is no room for it. */
bool finding_is_full(struct finding *f);
void finding_add(struct finding *f, char *from, char *to);
void finding_tell(struct finding *f, struct value *a, struct value *b);
char *finding_words(struct inspect *in, struct value *value);

/* ---- compare_threads.c ---- */

/* A thread on both sides. */
struct thread_pair {
	size_t from, to;
	bool has_from, has_to;
};
/* All of the first side, then those that only the other one has; malloc'd. */
struct thread_pair *threads_pair(const struct compare *compare, size_t *count);
/* Whether registers and the used part of the stack are the same. */
bool thread_is_same(const struct compare *compare, const struct thread_pair *pair);
/* "recurse (depth=3) at deep.c:35", malloc'd. */
char *frame_text(struct inspect *in, struct spot spot, bool args, bool *has_line);

enum { RED_ZONE = 128 }; /* bytes below the stack pointer that a function may use, ABI 3.2.2 */

/* ---- compare_globals.c ---- */

struct global {
	uint64_t addr, size;
	const char *name;
	const char *scope; /* the function it is in; NULL none */
	struct module *module;
	Dwarf_Die die;
	bool has_die;
	bool is_external;
	const struct symbol *symbol; /* without a DIE */
};
struct globals {
	struct global *list;
	size_t count, cap;
	struct global *locals; /* thread-local ones, whose address is none */
	size_t local_count, local_cap;
};
/* Of one module, by address; symbols that no variable has besides. */
void globals_find(struct inspect *in, struct module *module, struct globals *globals);
void globals_release(struct globals *globals);

#endif
