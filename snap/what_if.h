/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What if: a snapshot as it would be if something in it were otherwise.
 *
 *	inspect_open -> inspect_may_assign -> inspect_evaluate("hp = 100") -> snap_what_if
 */
#ifndef SNAP_WHAT_IF_H
#define SNAP_WHAT_IF_H

#include "snap/inspect/inspect.h"

struct what_if_options {
	const char *message; /* NULL: none */
	const char *tag;     /* NULL: none */
};

/*
 * Stores what was assigned in an inspect as a new snapshot, whose parent is the one it looked at;
 * from then on it looks at the new one. The application is neither asked nor touched, and goes on
 * standing where it does. On failure nothing is stored, and what was assigned can be taken back.
 */
int snap_what_if(struct inspect *in, const struct what_if_options *options,
		 struct catalog_snapshot *made, struct sn_err *err);

#endif
