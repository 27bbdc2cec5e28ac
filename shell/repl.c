// SPDX-License-Identifier: Apache-2.0
#include "shell/repl.h"

#include "core/base/guard.h"
#include "shell/command.h"
#include "shell/words.h"

#include <signal.h>
#include <stdio.h>
/* after stdio.h, which it leaves to us */
#include <readline/history.h>
#include <readline/readline.h>

/* Ctrl-C ends a wait for a keeper with EINTR. Keepers and applications are in
 * sessions of their own and are not sent it. */
static void interrupted(int signal)
{
	(void)signal;
}

/* Ctrl-C at the prompt: a new line, as shells do. */
static int drop_line(void)
{
	rl_replace_line("", 0);
	rl_crlf();
	rl_done = 1;
	return 0;
}

static int run_line(struct shell *shell, const char *line, int status)
{
	struct words words;
	struct sn_err err;

	if (words_split(&words, line, &err) < 0) {
		error_print(shell->json, &err);
		return STATUS_USAGE;
	}
	if (words.count)
		status = command_run(shell, words.words);
	words_release(&words);
	return status;
}

static int run_terminal(struct shell *shell)
{
	rl_readline_name = "snapsh";
	rl_signal_event_hook = drop_line;
	using_history();
	while (!shell->quit) {
		sn_auto_free char *line = readline("snapsh> ");

		if (!line) {
			putchar('\n');
			break;
		}
		if (!*line)
			continue;
		add_history(line);
		run_line(shell, line, STATUS_DONE);
	}
	return STATUS_DONE;
}

static int run_lines(struct shell *shell)
{
	sn_auto_free char *line = NULL;
	size_t size = 0;
	int status = STATUS_DONE;

	while (!shell->quit && getline(&line, &size, stdin) > 0)
		status = run_line(shell, line, status);
	return status;
}

int repl_run(struct shell *shell)
{
	struct sigaction action = {.sa_handler = interrupted};

	shell->interactive = true;
	if (!isatty(STDIN_FILENO))
		return run_lines(shell);
	sigaction(SIGINT, &action, NULL);
	return run_terminal(shell);
}
