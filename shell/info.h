/* SPDX-License-Identifier: Apache-2.0 */
/* What the subcommands of `info` share. */
#ifndef SHELL_INFO_H
#define SHELL_INFO_H

#include "shell/looking.h"

/* What a subcommand gets, and the result it leaves: at least "text". */
struct info {
	struct request *rq;
	struct looking *looking;
	struct spot spot;
	const char *words;
	json_t *result;
};

/* A text that was made (taken), or a failure, as the result. */
int info_take_text(struct info *info, int rc, char *text);

/* ---- info_changed.c ---- */

int info_changed(struct info *info, struct sn_err *err);

/* ---- info_frame.c ---- */

int info_frame(struct info *info, struct sn_err *err);

/* ---- info_process.c, info_timers.c ---- */

int info_proc(struct info *info, struct sn_err *err);
int info_signals(struct info *info, struct sn_err *err);
int info_timers(struct info *info, struct sn_err *err);

#endif
