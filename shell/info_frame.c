// SPDX-License-Identifier: Apache-2.0
/* info frame: where one is, who called it, and what it has saved. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/bt.h"
#include "shell/info.h"
#include "shell/wire.h"

static void print_place(FILE *out, const json_t *row, const struct frame_places *places)
{
	const char *function = wire_string(row, "function"), *file = wire_string(row, "file");

	fprintf(out, " rip = 0x%llx", strtoull(wire_string(row, "pc"), NULL, 16));
	if (function)
		fprintf(out, " in %s", function);
	if (file)
		fprintf(out, " (%s:%lld)", file, wire_number(row, "line"));
	fprintf(out, "; saved rip = 0x%lx\n", places->saved_pc);
}

/* " called by frame at 0x7ffe..., caller of frame at 0x7ffe..." */
static void print_neighbours(FILE *out, struct inspect *in, struct spot spot, size_t count,
			     const struct frame_places *places)
{
	struct frame_places other;
	struct sn_err ignored;
	const char *between = "";

	spot.frame++;
	if (places->inlined) {
		fprintf(out, " inlined into frame %zu", spot.frame);
		between = ",";
	} else if (spot.frame < count && inspect_frame_places(in, spot, &other, &ignored) == 0) {
		fprintf(out, " called by frame at 0x%lx", other.cfa);
		frame_places_release(&other);
		between = ",";
	}
	spot.frame -= 2;
	if (spot.frame < count && inspect_frame_places(in, spot, &other, &ignored) == 0) {
		fprintf(out, "%s caller of frame at 0x%lx", between, other.cfa);
		frame_places_release(&other);
		between = ",";
	}
	fputs(*between ? "\n" : "", out);
}

static void print_rest(FILE *out, const json_t *row, const struct frame_places *places)
{
	if (places->language)
		fprintf(out, " source language %s.\n", places->language);
	if (places->has_base) {
		fprintf(out, " Arglist at 0x%lx, args: ", places->base);
		bt_render_args(out, json_object_get(row, "args"));
		fprintf(out, "\n Locals at 0x%lx,", places->base);
	} else {
		fputs(" Arglist at unknown address.\n Locals at unknown address,", out);
	}
	fprintf(out, " Previous frame's sp %s 0x%lx\n", places->sp_is_saved ? "at" : "is",
		places->sp_is_saved ? places->sp : places->cfa);
	if (*places->saved)
		fprintf(out, " Saved registers:\n  %s\n", places->saved);
}

static char *text_of(struct info *info, struct spot spot, const json_t *row,
		     const struct frame_places *places, size_t count)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort();
	if (*info->words)
		fprintf(out, "Stack frame at 0x%lx:\n", places->cfa);
	else
		fprintf(out, "Stack level %zu, frame at 0x%lx:\n", spot.frame, places->cfa);
	print_place(out, row, places);
	print_neighbours(out, info->looking->in, spot, count, places);
	print_rest(out, row, places);
	fclose(out);
	return text;
}

int info_frame(struct info *info, struct sn_err *err)
{
	struct inspect *in = info->looking->in;
	struct frame_places places;
	struct spot spot = info->spot;
	json_t *row;
	size_t count;
	char *text;

	if (find_frame(info->looking, info->words, &spot, err) < 0 ||
	    inspect_frames(in, spot.thread, &count, err) < 0 ||
	    inspect_frame_places(in, spot, &places, err) < 0)
		return -1;
	row = bt_frame(info->looking, spot, err);
	if (row) {
		text = text_of(info, spot, row, &places, count);
		json_object_set_new(row, "text", json_text(text));
		info->result = row;
		free(text);
	}
	frame_places_release(&places);
	return row ? 0 : -1;
}
