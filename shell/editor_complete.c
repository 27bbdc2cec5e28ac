// SPDX-License-Identifier: Apache-2.0
/* What readline asks when TAB is typed. */
#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/complete.h"
#include "shell/editor.h"

#include <stdio.h>
#include <string.h>
/* after stdio.h, which it leaves to us */
#include <readline/readline.h>

static struct shell *completing; /* lint: readline's callbacks are given nothing of ours */

static char *line_to(int end)
{
	return sn_strndup(rl_line_buffer, end > 0 ? (size_t)end : 0);
}

/* Asked first: where words end here. */
static char *word_breaks(void)
{
	sn_auto_free char *line = line_to(rl_point);
	struct complete complete;
	const char *breaks;

	complete_line(&complete, completing, line);
	breaks = complete.breaks;
	rl_completer_quote_characters = complete.quotes ? "'\"" : NULL;
	complete_release(&complete);
	return (char *)breaks;
}

/* readline's array: what all have in common, then each, behind what stands there already and is
 * no part of them. */
static char **matches_of(struct complete *complete, const char *text, size_t before)
{
	char **matches = sn_calloc(complete->count + 2, sizeof(*matches));
	size_t common = strlen(complete->words[0]);

	for (size_t i = 0; i < complete->count; i++) {
		const char *word = complete->words[i];
		size_t same = 0;

		while (same < common && word[same] == complete->words[0][same])
			same++;
		common = same;
		matches[i + 1] = sn_asprintf("%.*s%s", (int)before, text, word);
	}
	matches[0] = sn_asprintf("%.*s%.*s", (int)before, text, (int)common, complete->words[0]);
	if (complete->count == 1)
		free(sn_steal_ptr(&matches[1]));
	return matches;
}

static char **attempt(const char *text, int start, int end)
{
	sn_auto_free char *line = line_to(end);
	struct complete complete;
	size_t len = strlen(text);
	char **matches = NULL;

	(void)start;
	complete_line(&complete, completing, line);
	rl_attempted_completion_over = complete.files == COMPLETE_NONE;
	/* in quotes readline's word is all behind the first one */
	if (complete.count && (complete.len == len ||
			       (rl_completion_quote_character && complete.len < len))) {
		matches = matches_of(&complete, text, len - complete.len);
		rl_completion_append_character = complete.open ? '\0' : ' ';
		rl_completion_suppress_append = complete.open;
		rl_completion_suppress_quote = complete.open;
	}
	complete_release(&complete);
	return matches;
}

void editor_complete(struct shell *shell)
{
	completing = shell;
	rl_completion_word_break_hook = word_breaks;
	rl_attempted_completion_function = attempt;
	rl_filename_quote_characters = " \t;#'\"\\";
	rl_sort_completion_matches = 0;
}
