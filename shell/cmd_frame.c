// SPDX-License-Identifier: Apache-2.0
/* frame, up, down, thread: where in a snapshot expressions are meant. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "proto/json.h"
#include "shell/apply.h"
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

/* What stands behind a word and blanks, or NULL when the text does not begin with it. */
static const char *behind(const char *text, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(text, word, len) != 0 || (text[len] && text[len] != ' '))
		return NULL;
	return text + len + strspn(text + len, " ");
}

static int find_level(struct looking *looking, const char *text, struct spot *spot,
		      struct sn_err *err)
{
	size_t count;

	if (parse_count(text, &spot->frame, err) < 0 ||
	    inspect_frames(looking->in, spot->thread, &count, err) < 0)
		return -1;
	return spot->frame < count ? 0 : sn_fail(err, "No frame at level %s.", text);
}

int find_frame(struct looking *looking, const char *text, struct spot *spot, struct sn_err *err)
{
	const char *rest;

	if (!*text)
		return 0;
	if ((rest = behind(text, "function")))
		return inspect_find_function(looking->in, rest, spot, err);
	if ((rest = behind(text, "address")))
		return inspect_find_address(looking->in, rest, spot, err);
	rest = behind(text, "level");
	return find_level(looking, rest ? rest : text, spot, err);
}

int cmd_frame(struct request *rq, struct sn_err *err)
{
	sn_auto_free char *text = looking_text(rq);
	struct spot spot;
	struct looking *looking = looking_get(rq, &spot, err);
	const char *rest = behind(text, "apply");

	if (!looking)
		return -1;
	if (rest)
		return apply_to_frames(rq, looking, spot, rest, err);
	if (find_frame(looking, text, &spot, err) < 0)
		return -1;
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
	if (outwards && !request_word(rq, 0) && spot.frame + 1 >= count)
		return sn_fail(err, "Initial frame selected; you cannot go up.");
	if (!outwards && !request_word(rq, 0) && spot.frame == 0)
		return sn_fail(err, "Bottom (innermost) frame selected; you cannot go down.");
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

	if (!json_object_get(rq->result, "level")) {
		render_text(out, rq);
		return;
	}
	bt_render_frame(out, rq->result);
	fputs(source ? source : "", out);
}

/* ---- threads ---- */

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
	json_object_set_new(rq->result, "text", json_text(line));
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
		return apply_to_threads(rq, looking, rest, err);
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
	if (!json_object_get(rq->result, "thread")) {
		render_text(out, rq);
		return;
	}
	fputs(wire_string(rq->result, "text"), out);
	if (json_object_get(rq->result, "level"))
		render_frame(out, rq);
}
