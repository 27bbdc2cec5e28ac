/* SPDX-License-Identifier: Apache-2.0 */
/* All names of a module outside of functions, for lookup.c. In C++ with their scopes: "a::b". */
#ifndef SNAP_INSPECT_NAME_INDEX_H
#define SNAP_INSPECT_NAME_INDEX_H

#include "snap/inspect/internal.h"

struct name {
	const char *text;
	Dwarf_Die die;
	int tag;
	size_t order; /* as the DIEs come */
	bool is_model;
};

/* Sorted by text, what is at an address first, then by order. */
struct names {
	struct name *list;
	size_t count, cap;
};

/* Made on the first question; NULL: there is no debug information. */
struct names *names_of(struct inspect *in, struct module *module);
/* Where in the list the first is that is not before `text`. */
size_t names_place(const struct names *names, const char *text);
/* The first entry of a name; NULL: none. Those of the same name follow. */
struct name *names_first(struct names *names, const char *text);

bool names_is_type(int tag);
bool names_is_symbol(int tag); /* variable, parameter, function, enumerator */

#endif
