/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions that assign: what they assign in a snapshot becomes a new one, which is looked at
 * from then on where the old one was.
 */
#ifndef SHELL_WHAT_IF_H
#define SHELL_WHAT_IF_H

#include "shell/looking.h"

/* inspect_evaluate and inspect_print, and they may assign; what a failing one has assigned is
 * taken back. */
int what_if_evaluate(struct looking *looking, struct spot spot, const char *text,
		     struct sn_err *err);
int what_if_print(struct looking *looking, struct spot spot, char letter, const char *text,
		  struct printed *printed, struct sn_err *err);

/*
 * Stores what was assigned: the answer of `set var`, with message and tag, of which each may be
 * NULL. *result NULL: nothing was assigned.
 */
int what_if_store(struct looking *looking, const char *message, const char *tag, bool json,
		  json_t **result, struct sn_err *err);

#endif
