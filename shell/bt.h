/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks as JSON and as gdb prints them: for bt, frame, thread. */
#ifndef SHELL_BT_H
#define SHELL_BT_H

#include "shell/looking.h"

struct bt_options {
	bool full;
	bool has_count;
	long count; /* below 0: the outermost */
};

/* thread, tid, title, frames; `words` as of `bt`. NULL: failed. */
json_t *bt_json(struct looking *looking, size_t thread, const char *words, struct sn_err *err);

/* One frame; NULL: failed. */
json_t *bt_frame(struct looking *looking, struct spot spot, struct sn_err *err);
/* name, value and, where it is known, entry of each. */
json_t *bt_variables(const struct named_text *list, size_t count);

/* "2", "level 2", "function NAME", "address ADDRESS"; "" is the spot itself. */
int find_frame(struct looking *looking, const char *text, struct spot *spot, struct sn_err *err);

/* depth=5, job=0x5555... */
void bt_render_args(FILE *out, const json_t *args);
void bt_render_frames(FILE *out, const json_t *rows);
/* #0  0x000055555555513d in work (depth=3) at deep.c:12 */
void bt_render_frame(FILE *out, const json_t *row);
/* The same without the number. */
void bt_render_place(FILE *out, const json_t *row);

#endif
