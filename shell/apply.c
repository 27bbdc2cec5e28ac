// SPDX-License-Identifier: Apache-2.0
#include "shell/apply.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/bt.h"

#include <ctype.h>
#include <errno.h>

/* What is done for each, and what came of it. */
struct round {
	struct request *rq;
	struct looking *looking;
	const char *command;
	bool quiet, go_on, silent; /* -q, -c, -s */
	json_t *rows;
	FILE *out;
	size_t len;
};

/* Flags, then the command. */
static int take_command(struct round *round, const char *text, const char *missing,
			struct sn_err *err)
{
	for (; text[0] == '-' && text[1] && strchr("qcs", text[1]) && (!text[2] || text[2] == ' ');
	     text += 2 + strspn(text + 2, " ")) {
		round->quiet |= text[1] == 'q';
		round->go_on |= text[1] == 'c';
		round->silent |= text[1] == 's';
	}
	round->command = text;
	return *text ? 0 : sn_fail(err, "%s", missing);
}

static void begin(struct round *round, const char *rows)
{
	round->rows = json_array();
	round->rq->result = json_pack("{s:o}", rows, round->rows);
	round->out = open_memstream(&round->rq->text, &round->len);
	if (!round->out)
		abort();
}

/* That a frame has no variables that are known by name is no failure of a round. */
static bool is_answer(const struct sn_err *err)
{
	return err->code == ENODATA;
}

/* The command where the spot is selected: `row` gets its answer, the text what it shows. */
static int run(struct round *round, struct spot spot, const char *header, json_t *row,
	       struct sn_err *err)
{
	struct spot before = round->looking->spot;
	sn_auto_free char *text = NULL;
	json_t *result = NULL;
	int rc;

	round->looking->spot = spot;
	rc = command_within(round->rq, round->looking, round->command, &result, &text, err);
	round->looking->spot = before;
	json_array_append_new(round->rows, row);
	if (result)
		json_object_update_missing(row, result);
	json_decref(result);
	if (rc < 0 && !is_answer(err) && !round->go_on && !round->silent)
		return -1;
	if (rc < 0 && !is_answer(err) && round->silent)
		return 0;
	fprintf(round->out, "%s%s", header, rc < 0 ? err->text : text ? text : "");
	if (rc < 0)
		fputc('\n', round->out);
	return 0;
}

/* ---- threads ---- */

static int for_thread(struct round *round, size_t number, struct sn_err *err)
{
	sn_auto_free char *title = NULL, *header = NULL;
	json_t *row;

	if (number == 0 || number > inspect_threads(round->looking->in)) {
		fprintf(stderr, "warning: Unknown thread %zu\n", number);
		return 0;
	}
	title = inspect_thread_title(round->looking->in, number - 1);
	header = round->quiet ? sn_strdup("") : sn_asprintf("\nThread %zu (%s):\n", number, title);
	row = json_pack("{s:I, s:o}", "thread", (json_int_t)number, "title", json_text(title));
	return run(round, (struct spot){number - 1, 0}, header, row, err);
}

/* "3" or "2-5"; 0: here is none. Its length. */
static size_t take_range(const char *text, size_t *first, size_t *last)
{
	size_t digits = strspn(text, "0123456789"), more;

	if (!digits || digits > 9)
		return 0;
	*first = *last = strtoul(text, NULL, 10);
	if (text[digits] == '-') {
		more = strspn(text + digits + 1, "0123456789");
		if (!more || more > 9)
			return 0;
		*last = strtoul(text + digits + 1, NULL, 10);
		digits += 1 + more;
	}
	return text[digits] && text[digits] != ' ' ? 0 : digits;
}

/* Behind the ranges a text begins with; each is handed on with `round`. */
static const char *behind_ranges(const char *text)
{
	size_t first, last, len;

	while ((len = take_range(text, &first, &last)))
		text += len + strspn(text + len, " ");
	return text;
}

static int for_ranges(struct round *round, const char *text, struct sn_err *err)
{
	size_t first, last, len;
	int rc = 0;

	while (rc == 0 && (len = take_range(text, &first, &last))) {
		for (; first <= last && rc == 0; first++)
			rc = for_thread(round, first, err);
		text += len + strspn(text + len, " ");
	}
	return rc;
}

int apply_to_threads(struct request *rq, struct looking *looking, const char *text,
		     struct sn_err *err)
{
	struct round round = {.rq = rq, .looking = looking};
	bool all = strncmp(text, "all", 3) == 0 && (!text[3] || text[3] == ' ');
	const char *command = all ? text + 3 + strspn(text + 3, " ") : behind_ranges(text);
	int rc = 0;

	if (!all && command == text)
		return request_usage(rq, err, "thread apply all|THREADS COMMAND");
	if (take_command(&round, command,
			 all ? "Please specify a command at the end of 'thread apply all'"
			     : "Please specify a command following the thread ID list",
			 err) < 0)
		return -1;
	begin(&round, "threads");
	for (size_t i = all ? inspect_threads(looking->in) : 0; i > 0 && rc == 0; i--)
		rc = for_thread(&round, i, err);
	if (!all)
		rc = for_ranges(&round, text, err);
	fclose(round.out);
	return rc;
}

/* ---- frames ---- */

static int for_frame(struct round *round, struct spot spot, struct sn_err *err)
{
	sn_auto_free char *header = NULL;
	json_t *row = bt_frame(round->looking, spot, err);
	size_t len;
	FILE *out;

	if (!row)
		return -1;
	out = open_memstream(&header, &len);
	if (!out)
		abort();
	if (!round->quiet)
		bt_render_frame(out, row);
	fclose(out);
	return run(round, spot, header, row, err);
}

/* Which frames: "all", COUNT (the outermost, below 0), "level FIRST-LAST"; what stands behind. */
static const char *take_frames(const char *text, size_t count, size_t *first, size_t *last)
{
	bool all = strncmp(text, "all ", 4) == 0, level = strncmp(text, "level ", 6) == 0;
	bool outer = *text == '-';
	size_t len;

	*first = 0;
	*last = count - 1;
	if (all)
		return text + 4 + strspn(text + 4, " ");
	text += level ? 6 + strspn(text + 6, " ") : outer;
	len = take_range(text, first, last);
	if (!len)
		return NULL;
	text += len + strspn(text + len, " ");
	if (level)
		return text;
	len = *first < count ? *first : count;
	*first = outer ? count - len : 0;
	*last = (outer ? count : len) - 1;
	return len ? text : NULL;
}

int apply_to_frames(struct request *rq, struct looking *looking, struct spot spot, const char *text,
		    struct sn_err *err)
{
	struct round round = {.rq = rq, .looking = looking};
	size_t count, first, last;
	int rc = 0;

	if (inspect_frames(looking->in, spot.thread, &count, err) < 0)
		return -1;
	text = take_frames(text, count, &first, &last);
	if (!text)
		return request_usage(rq, err, "frame apply all|COUNT|level LEVELS COMMAND");
	if (take_command(&round, text, "Please specify a command to apply on all frames", err) < 0)
		return -1;
	begin(&round, "frames");
	for (spot.frame = first; rc == 0 && spot.frame <= last && spot.frame < count; spot.frame++)
		rc = for_frame(&round, spot, err);
	fclose(round.out);
	return rc;
}
