/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gdb's convenience variables as values of an inspect. Internal to snap/inspect/.
 *
 * They outlive an inspect, and types do not: what is kept is the bytes and the name of the type,
 * which another inspect looks for among its own.
 */
#ifndef SNAP_INSPECT_VARIABLES_H
#define SNAP_INSPECT_VARIABLES_H

#include "snap/inspect/value.h"

struct variable;

/* The name without "$". NULL without error: nothing was assigned to it. */
struct value *variable_value(const struct context *context, const char *name, struct sn_err *err);
/* There is one of that name, from now on. */
void variable_declare(struct inspect *in, const char *name);
/* Arrays in memory and functions are assigned as pointers to them. What it then is. */
struct value *variable_assign(const struct context *context, const char *name, struct value *value,
			      struct sn_err *err);
/* The same without a word of what fails, for $_ and $__: that is void then. NULL: void. */
void variable_note(struct inspect *in, const char *name, struct value *value);
/* A part of one: what PLACE_VARIABLE means. */
int variable_write(struct variable *variable, size_t at, const uint8_t *bytes, size_t len,
		   struct sn_err *err);
/* An inspect ends, and its types. */
void variables_leave(struct inspect *in);
/* Calls each() for the names that begin with `prefix`, with "$"; they live as long as `in`. */
void variables_named(struct inspect *in, const char *prefix, inspect_each_name *each, void *arg);

#endif
