// SPDX-License-Identifier: Apache-2.0
#include "shell/looking.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "snap/snap.h"

static void looking_free(struct looking **looking)
{
	if (!*looking)
		return;
	inspect_close((*looking)->in);
	free(*looking);
	*looking = NULL;
}

void looking_close(struct shell *shell)
{
	looking_free(&shell->at);
	looking_free(&shell->once);
}

/* Opens in the place of what was there; on failure that stays. */
static struct looking *open_in(struct request *rq, struct looking **place, const char *ref,
			       struct sn_err *err)
{
	struct catalog *cat = shell_catalog(rq->shell, err);
	sn_auto(looking_free) struct looking *looking = sn_calloc(1, sizeof(*looking));

	if (!cat ||
	    snap_ref(cat, ref, shell_selected(rq->shell), &looking->app, &looking->snap, err) < 0)
		return NULL;
	/* Open already, with what was selected and printed there. */
	if (*place && (*place)->app.id == looking->app.id && (*place)->snap.id == looking->snap.id)
		return *place;
	if (inspect_open(&looking->in, cat, looking->app.id, looking->snap.id, err) < 0) {
		sn_ctx(err, "look into %s@%ld", looking->app.name, (long)looking->snap.id);
		return NULL;
	}
	for (size_t i = 0; i < inspect_note_count(looking->in) && !rq->json; i++)
		fprintf(stderr, "warning: %s\n", inspect_note(looking->in, i));
	looking_free(place);
	*place = sn_steal_ptr(&looking);
	return *place;
}

struct looking *looking_select(struct request *rq, const char *ref, struct sn_err *err)
{
	return open_in(rq, &rq->shell->at, ref, err);
}

struct looking *looking_once(struct request *rq, const char *ref, struct sn_err *err)
{
	return open_in(rq, &rq->shell->once, ref, err);
}

static int parse_number(const char *text, size_t *number, struct sn_err *err)
{
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 9 || text[digits])
		return sn_fail(err, "\"%s\" is not a number", text);
	*number = strtoul(text, NULL, 10);
	return 0;
}

static int move_spot(struct request *rq, struct looking *looking, struct spot *spot,
		     struct sn_err *err)
{
	const char *thread = request_option(rq, "thread"), *frame = request_option(rq, "frame");
	size_t number, count;

	*spot = looking->spot;
	if (thread) {
		if (parse_number(thread, &number, err) < 0)
			return -1;
		if (number == 0 || number > inspect_threads(looking->in))
			return sn_fail(err, "Unknown thread %s.", thread);
		*spot = (struct spot){number - 1, 0};
	}
	if (frame) {
		if (parse_number(frame, &number, err) < 0 ||
		    inspect_frames(looking->in, spot->thread, &count, err) < 0)
			return -1;
		if (number >= count)
			return sn_fail(err, "No frame at level %s.", frame);
		spot->frame = number;
	}
	return 0;
}

struct looking *looking_get(struct request *rq, struct spot *spot, struct sn_err *err)
{
	const char *ref = request_option(rq, "ref");
	struct looking *looking = rq->shell->at;

	if (ref || !looking)
		looking = open_in(rq, &rq->shell->once, ref ? ref : "latest", err);
	if (!looking || move_spot(rq, looking, spot, err) < 0)
		return NULL;
	return looking;
}

char *looking_text(const struct request *rq)
{
	char *text = sn_strdup(rq->word_count ? rq->words[0] : "");

	for (size_t i = 1; i < rq->word_count; i++) {
		sn_auto_free char *before = text;

		text = sn_asprintf("%s %s", before, rq->words[i]);
	}
	return text;
}

char *looking_name(const struct looking *looking)
{
	return sn_asprintf("%s@%ld", looking->app.name, (long)looking->snap.id);
}
