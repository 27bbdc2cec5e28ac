/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rows of table.c point at: of each command its function and, where the
 * result is worth it, how people see it.
 */
#ifndef SHELL_COMMANDS_H
#define SHELL_COMMANDS_H

#include "shell/command.h"

int cmd_run(struct request *rq, struct sn_err *err);
void render_run(FILE *out, const struct request *rq);
int cmd_attach(struct request *rq, struct sn_err *err);
void render_attach(FILE *out, const struct request *rq);
int cmd_detach(struct request *rq, struct sn_err *err);
void render_detach(FILE *out, const struct request *rq);
int cmd_kill(struct request *rq, struct sn_err *err);
void render_kill(FILE *out, const struct request *rq);
int cmd_console(struct request *rq, struct sn_err *err);
int cmd_apps(struct request *rq, struct sn_err *err);
void render_apps(FILE *out, const struct request *rq);
int cmd_snap(struct request *rq, struct sn_err *err);
void render_snap(FILE *out, const struct request *rq);
int cmd_list(struct request *rq, struct sn_err *err);
void render_list(FILE *out, const struct request *rq);
int cmd_log(struct request *rq, struct sn_err *err);
void render_log(FILE *out, const struct request *rq);
int cmd_show(struct request *rq, struct sn_err *err);
void render_show(FILE *out, const struct request *rq);
int cmd_diff(struct request *rq, struct sn_err *err);
void render_diff(FILE *out, const struct request *rq);
int cmd_revert(struct request *rq, struct sn_err *err);
int cmd_undo(struct request *rq, struct sn_err *err);
void render_revert(FILE *out, const struct request *rq);
int cmd_restore(struct request *rq, struct sn_err *err);
void render_restore(FILE *out, const struct request *rq);
int cmd_drop(struct request *rq, struct sn_err *err);
void render_drop(FILE *out, const struct request *rq);
int cmd_forget(struct request *rq, struct sn_err *err);
void render_forget(FILE *out, const struct request *rq);
int cmd_gc(struct request *rq, struct sn_err *err);
void render_gc(FILE *out, const struct request *rq);
int cmd_auto(struct request *rq, struct sn_err *err);
void render_auto(FILE *out, const struct request *rq);
int cmd_tag(struct request *rq, struct sn_err *err);
int cmd_untag(struct request *rq, struct sn_err *err);
void render_tag(FILE *out, const struct request *rq);
int cmd_verify(struct request *rq, struct sn_err *err);
void render_verify(FILE *out, const struct request *rq);

/* Looking into a snapshot. */
int cmd_at(struct request *rq, struct sn_err *err);
int cmd_bt(struct request *rq, struct sn_err *err);
void render_bt(FILE *out, const struct request *rq);
int cmd_print(struct request *rq, struct sn_err *err);
int cmd_whatis(struct request *rq, struct sn_err *err);
int cmd_ptype(struct request *rq, struct sn_err *err);
int cmd_call(struct request *rq, struct sn_err *err);
int cmd_output(struct request *rq, struct sn_err *err);
int cmd_printf(struct request *rq, struct sn_err *err);
int cmd_echo(struct request *rq, struct sn_err *err);
int cmd_x(struct request *rq, struct sn_err *err);
int cmd_frame(struct request *rq, struct sn_err *err);
int cmd_up(struct request *rq, struct sn_err *err);
int cmd_down(struct request *rq, struct sn_err *err);
void render_frame(FILE *out, const struct request *rq);
int cmd_thread(struct request *rq, struct sn_err *err);
void render_thread(FILE *out, const struct request *rq);
int cmd_info(struct request *rq, struct sn_err *err);
int cmd_find(struct request *rq, struct sn_err *err);
int cmd_src(struct request *rq, struct sn_err *err);
int cmd_bisect(struct request *rq, struct sn_err *err);
void render_bisect(FILE *out, const struct request *rq);
int cmd_when(struct request *rq, struct sn_err *err);
void render_when(FILE *out, const struct request *rq);
int cmd_set(struct request *rq, struct sn_err *err);
/* Of `show`: print [OPTION], debug-file-directory. */
int cmd_show_setting(struct request *rq, struct sn_err *err);
int cmd_show_variables(struct request *rq, struct sn_err *err);
int cmd_core(struct request *rq, struct sn_err *err);
int cmd_gdbserver(struct request *rq, struct sn_err *err);
/* The request's text, or the result's "text", as it is. */
void render_text(FILE *out, const struct request *rq);

int cmd_check(struct request *rq, struct sn_err *err);
void render_check(FILE *out, const struct request *rq);
int cmd_completion(struct request *rq, struct sn_err *err);
int cmd_complete(struct request *rq, struct sn_err *err);
void render_complete(FILE *out, const struct request *rq);
int cmd_use(struct request *rq, struct sn_err *err);
int cmd_quit(struct request *rq, struct sn_err *err);
int cmd_help(struct request *rq, struct sn_err *err);
void render_help(FILE *out, const struct request *rq);

#endif
