/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files that print types share. Internal to type_*.c. */
#ifndef SNAP_INSPECT_TYPE_PRINT_H
#define SNAP_INSPECT_TYPE_PRINT_H

#include "snap/inspect/types.h"

enum { NESTING_MAX = 64, TEMPLATE_MAX = 16 };

struct printing {
	struct inspect *in;
	FILE *out;
	/* Of the class that is printed: types that its template calls otherwise. */
	struct {
		const char *name;
		struct type *type;
	} with[TEMPLATE_MAX];
	size_t with_count;
	/* ptype/o: where members are, in something that itself is at `base`. */
	bool offsets;
	bool is_whole; /* the struct at hand is that, or a member as it is: its size is told */
	uint64_t base;
};

/* A type with a name in its midst; show: above 0 with its members, below with {...} for them. */
void type_print_one(struct printing *p, struct type *type, const char *name, int show, int level);

/* A line of a struct's body: a member, or that there is none. */
void type_print_member(struct printing *p, const struct member *member, int show, int level);
void type_print_empty(const struct printing *p, const struct type *type, int level);

/* ---- type_class.c: what classes of C++ have besides members ---- */

/* Behind the class's name: its template's arguments, its bases. */
void type_print_head(struct printing *p, struct type *type);
/* Members and methods, with who may use them. */
void type_print_class(struct printing *p, struct type *type, int show, int level);

/* The same type with what its innermost name stands for in the place of the name. */
struct type *type_resolved(struct inspect *in, struct type *type);

/* ---- type_offsets.c: without p->offsets nothing but blanks ---- */

/* In front of a line at a level; of one that only has to stand below members. */
void type_offsets_indent(const struct printing *p, int level);
void type_offsets_blank(const struct printing *p);
/* In front of a member; *end: the bit at which the one before it ends. */
void type_offsets_member(const struct printing *p, const struct type *type,
			 const struct member *member, uint64_t *end);
/* Behind the last. */
void type_offsets_end(const struct printing *p, const struct type *type, uint64_t end, int level);
/* For what is in a member. */
struct printing type_offsets_within(const struct printing *p, const struct member *member);

#endif
