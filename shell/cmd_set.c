// SPDX-License-Identifier: Apache-2.0
/* set var: a snapshot as it would be if something in it were otherwise. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/commands.h"
#include "shell/what_if.h"

/* What stands behind a word and blanks, or NULL when the text does not begin with it. */
static const char *behind(const char *text, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(text, word, len) != 0 || (text[len] && text[len] != ' ' && text[len] != '\t'))
		return NULL;
	return text + len + strspn(text + len, " \t");
}

static int set_var(struct request *rq, const char *text, struct sn_err *err)
{
	const char *message = request_option(rq, "message"), *tag = request_option(rq, "tag");
	struct spot spot;
	struct looking *looking = looking_get(rq, &spot, err);

	if (!looking || what_if_evaluate(looking, spot, text, err) < 0 ||
	    what_if_store(looking, message ? message : text, tag, rq->json, &rq->result, err) < 0)
		return -1;
	return rq->result ? 0 : sn_fail(err, "nothing is assigned: set var EXPR = VALUE");
}

int cmd_set(struct request *rq, struct sn_err *err)
{
	sn_auto_free char *words = looking_text(rq);
	const char *text = behind(words, "var");

	text = text ? text : behind(words, "variable");
	text = text ? text : words; /* gdb lets `var` be left out, too */
	if (!*text)
		return request_usage(rq, err, "set var EXPR = VALUE");
	return set_var(rq, text, err);
}
