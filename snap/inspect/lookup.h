/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables, functions and types by name, in gdb's order: blocks of the frame from the innermost,
 * the unit of the frame, all units of all modules. Internal to snap/inspect/.
 */
#ifndef SNAP_INSPECT_LOOKUP_H
#define SNAP_INSPECT_LOOKUP_H

#include "snap/inspect/types.h"

/* What a name stands for: a DIE of a variable, parameter, function, enumerator or type. */
struct found {
	struct module *module;
	Dwarf_Die die;
};

/* `frame` NULL: no frame, so no blocks. */
bool lookup_symbol(struct inspect *in, const struct frame *frame, const char *name,
		   struct found *found);
/* Of the frame's blocks only. */
bool lookup_local(struct inspect *in, const struct frame *frame, const char *name,
		  struct found *found);
/* A type by its name alone: a typedef or basic type, in C++ also a class, union or enum. */
struct type *lookup_any_type(struct inspect *in, const struct frame *frame, const char *name);
/* tag: DW_TAG_structure_type, _union_type, _enumeration_type, or 0 for a typedef or basic type. */
struct type *lookup_type(struct inspect *in, const struct frame *frame, int tag, const char *name);
/* A question that was asked before (evidence.h), of another frame: the address of the DIE that
 * is found there, or NULL. */
void *lookup_again(struct inspect *in, const struct frame *frame, bool symbol, int tag,
		   const char *name);
/* The whole type of a declared one; NULL when no module has it. */
struct type *lookup_complete(struct inspect *in, const struct type *declared);
/* A static of a file ("deep.c"), or of a function. */
bool lookup_scoped(struct inspect *in, const char *scope, const char *name, struct found *found);

/* The enum an enumerator is of. */
struct type *lookup_enum_of(struct inspect *in, struct module *module, Dwarf_Die *enumerator);

/* Calls each() for the names of variables, functions, enumerators and typedefs (tags: of structs,
 * unions and enums) that begin with `prefix`: of the frame's blocks, of all modules. */
void lookup_names(struct inspect *in, const struct frame *frame, bool tags, const char *prefix,
		  void (*each)(void *arg, const char *name), void *arg);

/* Calls each() for the DIEs directly in a block that are parameters or variables. */
void lookup_block(Dwarf_Die *block, bool parameters, void (*each)(void *arg, Dwarf_Die *die),
		  void *arg);

#endif
