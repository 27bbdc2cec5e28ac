/* SPDX-License-Identifier: Apache-2.0 */
/* One command for several threads or frames: thread apply, frame apply. */
#ifndef SHELL_APPLY_H
#define SHELL_APPLY_H

#include "shell/looking.h"

/* "all bt", "1-3 5 print x": what stands behind `thread apply`. */
int apply_to_threads(struct request *rq, struct looking *looking, const char *text,
		     struct sn_err *err);
/* "all print x", "2 info locals", "level 1-3 print x": the same of `frame apply`. */
int apply_to_frames(struct request *rq, struct looking *looking, struct spot spot, const char *text,
		    struct sn_err *err);

#endif
