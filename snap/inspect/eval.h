/* SPDX-License-Identifier: Apache-2.0 */
/* From a tree to a value. Internal to snap/inspect/. */
#ifndef SNAP_INSPECT_EVAL_H
#define SNAP_INSPECT_EVAL_H

#include "snap/inspect/parse.h"

/* dry: for its type only; no memory is read. NULL: failed. */
struct value *eval(const struct context *context, const struct node *node, bool dry,
		   struct sn_err *err);
/* Text to value. */
struct value *eval_text(const struct context *context, const char *text, struct sn_err *err);

/* $rax, $pc, $sp, ... of the context's frame; NULL without error: no such register. */
struct value *register_value(const struct context *context, const char *name, struct sn_err *err);

/* Name of a register by DWARF's number; NULL: not one of the general ones. */
const char *register_name(unsigned number);

/* Keeps a value as the next $N; its number. */
size_t history_add(struct inspect *in, struct value *value);
/* $, $$, $3, $$3; NULL without error: no such. */
struct value *history_value(struct inspect *in, const char *name, struct sn_err *err);

/* The context of a spot. */
int context_at(struct inspect *in, struct spot spot, struct context *context, struct sn_err *err);

#endif
