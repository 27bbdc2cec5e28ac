// SPDX-License-Identifier: Apache-2.0
#include "shell/looking.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "snap/snap.h"

#include <ctype.h>

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
	if (inspect_open(&looking->in, cat, rq->shell->debug, looking->app.id, looking->snap.id,
			 err) < 0) {
		sn_ctx(err, "look into %s@%ld", looking->app.name, (long)looking->snap.id);
		return NULL;
	}
	for (size_t i = 0; i < inspect_note_count(looking->in) && !rq->json; i++)
		fprintf(stderr, "warning: %s\n", inspect_note(looking->in, i));
	inspect_set_print(looking->in, &rq->shell->print);
	inspect_set_variables(looking->in, rq->shell->variables);
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

int looking_reopen(struct request *rq, struct sn_err *err)
{
	sn_auto_free char *name = rq->shell->at ? looking_name(rq->shell->at) : NULL;

	looking_close(rq->shell);
	return !name || looking_select(rq, name, err) ? 0 : -1;
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
	struct looking *looking = rq->within ? rq->within : rq->shell->at;

	if (rq->within && ref) {
		sn_fail(err, "the snapshot is that of the command it is a part of: no -r");
		return NULL;
	}
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

char *looking_format(const char **text)
{
	size_t len;
	char *format;

	if (**text != '/')
		return sn_strdup("");
	len = strcspn(*text + 1, " \t");
	format = strndup(*text + 1, len);
	if (!format)
		abort();
	*text += 1 + len;
	*text += strspn(*text, " \t");
	return format;
}

int looking_letter(const char *format, const char *command, char *letter, struct sn_err *err)
{
	format += *format == 'r'; /* raw: there are no pretty-printers to leave out */
	*letter = format[0];
	if (format[0] && format[1])
		return sn_fail(err, "Format letter \"%c\" is meaningless in \"%s\" command.",
			       format[1], command);
	if (format[0] == 'i')
		return sn_fail(err, "Format letter \"i\" is meaningless in \"%s\" command.",
			       command);
	if (format[0] && !strchr("xduotacfsz", format[0]))
		return sn_fail(err, "Undefined output format \"%c\".", format[0]);
	return 0;
}

int looking_any_spot(const struct request *rq, struct spot *spot, struct sn_err *err)
{
	const char *thread = request_option(rq, "thread"), *frame = request_option(rq, "frame");

	*spot = (struct spot){0};
	if (thread) {
		if (parse_number(thread, &spot->thread, err) < 0)
			return -1;
		if (spot->thread == 0)
			return sn_fail(err, "Unknown thread %s.", thread);
		spot->thread--;
	}
	return frame ? parse_number(frame, &spot->frame, err) : 0;
}

/* Where the last word of a text begins that could be a name behind an expression; NULL: none. */
static char *name_behind(char *text)
{
	static const char operand_ends[] = "_)]\"'";
	char *word = text + strlen(text), *before;

	while (word > text && (isalnum((unsigned char)word[-1]) || strchr("._-", word[-1])))
		word--;
	before = word;
	while (before > text && isblank((unsigned char)before[-1]))
		before--;
	if (!*word || before == word || before == text)
		return NULL;
	return isalnum((unsigned char)before[-1]) || strchr(operand_ends, before[-1]) ? word : NULL;
}

int looking_named(struct request *rq, char *text, struct catalog_app *app, struct sn_err *err)
{
	struct catalog *cat = shell_catalog(rq->shell, err);
	char *word = name_behind(text);
	int found;

	if (!cat)
		return -1;
	found = word ? catalog_app_find(cat, word, app, err) : 0;
	if (found <= 0)
		return found;
	while (isblank((unsigned char)word[-1]))
		word--;
	*word = '\0';
	return 1;
}

int looking_app(struct request *rq, struct catalog_app *app, struct sn_err *err)
{
	struct catalog *cat = shell_catalog(rq->shell, err);

	if (!cat)
		return -1;
	return snap_app(cat, NULL,
			rq->shell->at ? rq->shell->at->app.name : shell_selected(rq->shell), app,
			err);
}

void looking_warn(const struct request *rq, char *const *notes, size_t count)
{
	for (size_t i = 0; i < count && !rq->json; i++)
		fprintf(stderr, "warning: %s\n", notes[i]);
}

char *looking_name(const struct looking *looking)
{
	return sn_asprintf("%s@%ld", looking->app.name, (long)looking->snap.id);
}
