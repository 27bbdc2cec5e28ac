// SPDX-License-Identifier: Apache-2.0
#include "shell/editor.h"

#include "core/base/guard.h"
#include "core/base/mem.h"
#include "shell/looking.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
/* after stdio.h, which it leaves to us */
#include <readline/history.h>
#include <readline/readline.h>

enum { HISTORY_LINES = 5000 };

/*
 * The next key for readline. While it waits, SIGINT is blocked and read here: the line
 * is dropped and an empty one accepted in its place, as shells do. Other signals
 * (SIGWINCH) are readline's.
 */
static int next_key(FILE *in)
{
	struct pollfd polls[2] = {{fileno(in), POLLIN, 0}, {-1, POLLIN, 0}};
	struct signalfd_siginfo info;
	sn_auto_fd int signals = -1;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	polls[1].fd = signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	while (poll(polls, sn_countof(polls), -1) < 0)
		rl_check_signals();
	if (!polls[1].revents || read(signals, &info, sizeof(info)) < 0)
		return rl_getc(in);
	/* A blank: an empty line would repeat the last command. */
	rl_replace_line(" ", 0);
	return '\n';
}

char *editor_prompt(const struct shell *shell)
{
	sn_auto_free char *at = shell->at ? looking_name(shell->at) : NULL;
	const char *selected = shell_selected(shell);

	if (!at)
		return sn_asprintf("%s> ", selected ? selected : "snapsh");
	if (!selected || strcmp(selected, shell->at->app.name) == 0)
		return sn_asprintf("%s> ", at);
	return sn_asprintf("%s (%s)> ", selected, at);
}

char *editor_read(struct editor *editor)
{
	sn_auto_free char *prompt = editor_prompt(editor->shell);
	sigset_t set, before;
	char *line;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, &before);
	line = readline(prompt);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return line;
}

/* ---- the history ---- */

static char *history_path(struct shell *shell)
{
	const char *state = getenv("XDG_STATE_HOME");
	sn_auto_free char *dir = NULL;
	struct sn_err ignored;

	/* The specification says to take no notice of a relative one. */
	if (!state || state[0] != '/')
		return shell_catalog(shell, &ignored)
			       ? sn_asprintf("%s/history", shell->catalog_dir)
			       : NULL;
	dir = sn_asprintf("%s/snapsh", state);
	if (mkdir(state, 0700) < 0 && errno != EEXIST)
		return NULL;
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return NULL;
	return sn_asprintf("%s/history", dir);
}

void editor_open(struct editor *editor, struct shell *shell)
{
	sn_auto_fd int made = -1;

	rl_readline_name = "snapsh";
	rl_getc_function = next_key;
	editor_complete(shell);
	using_history();
	stifle_history(HISTORY_LINES);
	*editor = (struct editor){shell, history_path(shell)};
	if (!editor->history)
		return;
	/* Of its owner only, before readline writes to it. */
	made = open(editor->history, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (made < 0) {
		free(sn_steal_ptr(&editor->history));
		return;
	}
	history_truncate_file(editor->history, HISTORY_LINES);
	read_history(editor->history);
}

void editor_keep(struct editor *editor, const char *line)
{
	HIST_ENTRY *last = history_length ? history_get(history_base + history_length - 1) : NULL;

	if (!*line || *line == ' ' || (last && strcmp(last->line, line) == 0))
		return;
	add_history(line);
	if (editor->history)
		append_history(1, editor->history);
}

void editor_close(struct editor *editor)
{
	free(editor->history);
	memset(editor, 0, sizeof(*editor));
}
