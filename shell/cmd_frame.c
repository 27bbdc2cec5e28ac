// SPDX-License-Identifier: Apache-2.0
/* frame, up, down, thread: where in a snapshot expressions are meant. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/bt.h"
#include "shell/commands.h"
#include "shell/wire.h"

/* The frame, with its line of source. */
static int show_frame(struct request *rq, struct looking *looking, struct spot spot,
		      struct sn_err *err)
{
	sn_auto_free char *source = NULL;
	struct sn_err ignored;

	rq->result = bt_frame(looking, spot, err);
	if (!rq->result)
		return -1;
	if (inspect_source_line(looking->in, spot, &source, &ignored) == 0)
		json_object_set_new(rq->result, "source", json_text(source));
	return 0;
}

static int parse_count(const char *text, size_t *count, struct sn_err *err)
{
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 9 || text[digits])
		return sn_fail(err, "\"%s\" is not a number", text);
	*count = strtoul(text, NULL, 10);
	return 0;
}

int cmd_frame(struct request *rq, struct sn_err *err)
{
	struct spot spot;
	struct looking *looking = looking_get(rq, &spot, err);
	size_t count;

	if (!looking)
		return -1;
	if (request_word(rq, 0)) {
		if (parse_count(rq->words[0], &spot.frame, err) < 0 ||
		    inspect_frames(looking->in, spot.thread, &count, err) < 0)
			return -1;
		if (spot.frame >= count)
			return sn_fail(err, "No frame at level %s.", rq->words[0]);
	}
	looking->spot = spot;
	return show_frame(rq, looking, spot, err);
}

static int move(struct request *rq, bool outwards, struct sn_err *err)
{
	struct spot spot;
	struct looking *looking = looking_get(rq, &spot, err);
	size_t count, by = 1;

	if (!looking || (request_word(rq, 0) && parse_count(rq->words[0], &by, err) < 0) ||
	    inspect_frames(looking->in, spot.thread, &count, err) < 0)
		return -1;
	if (outwards && by && spot.frame + 1 >= count)
		return sn_fail(err, "Initial frame selected; you can't go up.");
	if (!outwards && by && spot.frame == 0)
		return sn_fail(err, "Bottom (innermost) frame selected; you can't go down.");
	if (outwards)
		spot.frame = spot.frame + by < count ? spot.frame + by : count - 1;
	else
		spot.frame = spot.frame > by ? spot.frame - by : 0;
	looking->spot = spot;
	return show_frame(rq, looking, spot, err);
}

int cmd_up(struct request *rq, struct sn_err *err)
{
	return move(rq, true, err);
}

int cmd_down(struct request *rq, struct sn_err *err)
{
	return move(rq, false, err);
}

void render_frame(FILE *out, const struct request *rq)
{
	const char *source = wire_string(rq->result, "source");

	bt_render_frame(out, rq->result);
	fputs(source ? source : "", out);
}

/* ---- threads ---- */

/* "thread apply all bt": every thread, the last first. */
static int apply_bt(struct request *rq, struct looking *looking, const char *words,
		    struct sn_err *err)
{
	json_t *threads = json_array();

	rq->result = json_pack("{s:o}", "threads", threads);
	for (size_t i = inspect_threads(looking->in); i > 0; i--) {
		json_t *row = bt_json(looking, i - 1, words, err);

		if (!row)
			return -1;
		json_array_append_new(threads, row);
	}
	return 0;
}

/* What stands behind a word and blanks, or NULL when the text does not begin with it. */
static const char *behind(const char *text, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(text, word, len) != 0 || (text[len] && text[len] != ' '))
		return NULL;
	return text + len + strspn(text + len, " ");
}

static int apply(struct request *rq, struct looking *looking, const char *text, struct sn_err *err)
{
	const char *what = behind(text, "all"), *words;

	if (!what)
		return request_usage(rq, err, "thread apply all bt [full] [COUNT]");
	words = behind(what, "bt");
	words = words ? words : behind(what, "backtrace");
	words = words ? words : behind(what, "where");
	if (!words)
		return request_usage(rq, err, "of commands thread apply takes bt");
	return apply_bt(rq, looking, words, err);
}

static int show_thread(struct request *rq, struct looking *looking, struct spot spot, bool moved,
		       struct sn_err *err)
{
	sn_auto_free char *title = inspect_thread_title(looking->in, spot.thread), *line = NULL;

	line = sn_asprintf(moved ? "[Switching to thread %zu (%s)]\n"
				 : "[Current thread is %zu (%s)]\n",
			   spot.thread + 1, title);
	if (moved && show_frame(rq, looking, spot, err) < 0)
		return -1;
	if (!moved)
		rq->result = json_object();
	json_object_set_new(rq->result, "thread", json_integer((json_int_t)spot.thread + 1));
	json_object_set_new(rq->result, "title", json_text(title));
	json_object_set_new(rq->result, "line", json_text(line));
	return 0;
}

int cmd_thread(struct request *rq, struct sn_err *err)
{
	sn_auto_free char *text = looking_text(rq);
	const char *rest = behind(text, "apply");
	struct spot spot;
	struct looking *looking = looking_get(rq, &spot, err);
	size_t number;

	if (!looking)
		return -1;
	if (rest)
		return apply(rq, looking, rest, err);
	if (!*text)
		return show_thread(rq, looking, spot, false, err);
	if (parse_count(text, &number, err) < 0)
		return -1;
	if (number == 0 || number > inspect_threads(looking->in))
		return sn_fail(err, "Unknown thread %s.", text);
	looking->spot = spot = (struct spot){number - 1, 0};
	return show_thread(rq, looking, spot, true, err);
}

void render_thread(FILE *out, const struct request *rq)
{
	const json_t *threads = json_object_get(rq->result, "threads"), *row;
	size_t i;

	json_array_foreach(threads, i, row) {
		fprintf(out, "\nThread %lld (%s):\n", wire_number(row, "thread"),
			wire_string(row, "title"));
		bt_render_frames(out, json_object_get(row, "frames"));
	}
	if (threads)
		return;
	fputs(wire_string(rq->result, "line"), out);
	if (json_object_get(rq->result, "level"))
		render_frame(out, rq);
}
