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
};

/* A type with a name in its midst; show: above 0 with its members, below with {...} for them. */
void type_print_one(struct printing *p, struct type *type, const char *name, int show, int level);

/* ---- type_class.c: what classes of C++ have besides members ---- */

/* Behind the class's name: its template's arguments, its bases. */
void type_print_head(struct printing *p, struct type *type);
/* Members and methods, with who may use them. */
void type_print_class(struct printing *p, struct type *type, int show, int level);

#endif
