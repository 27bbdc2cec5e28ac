/* SPDX-License-Identifier: Apache-2.0 */
/* What C++ adds to names: scopes, and mangled symbols. Internal to snap/inspect/. */
#ifndef SNAP_INSPECT_CPLUS_H
#define SNAP_INSPECT_CPLUS_H

#include "snap/inspect/internal.h"

/* Whether the unit of a DIE is in C++. */
bool cplus_is(Dwarf_Die *die);

/* "geo::Named::stop", lives as long as the inspect; in C the bare name. NULL: it has none. */
const char *cplus_full_name(struct inspect *in, Dwarf_Die *die);

/* The name of a function as a frame shows it. */
const char *cplus_function(struct inspect *in, Dwarf_Die *die);

/* A symbol's name as people read it: "geo::Named::stop(int)" for "_ZN3geo...". */
const char *cplus_demangled(struct inspect *in, const char *symbol);

/* "a" and "b" as "a::b"; "b" when `a` is empty. */
const char *cplus_join(struct inspect *in, const char *a, const char *b);

/* What is in front of an unnamed namespace's members. */
extern const char cplus_unnamed[];

#endif
