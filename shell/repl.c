// SPDX-License-Identifier: Apache-2.0
#include "shell/repl.h"

#include "core/base/guard.h"
#include "shell/command.h"
#include "shell/words.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
/* after stdio.h, which it leaves to us */
#include <readline/history.h>
#include <readline/readline.h>

/* Ctrl-C ends a wait for a keeper with EINTR. Keepers and applications are in
 * sessions of their own and are not sent it. */
static void interrupted(int signal)
{
	(void)signal;
}

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
	rl_replace_line("", 0);
	return '\n';
}

static char *read_line(void)
{
	sigset_t set, before;
	char *line;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, &before);
	line = readline("snapsh> ");
	sigprocmask(SIG_SETMASK, &before, NULL);
	return line;
}

static int run_line(struct shell *shell, const char *line, int status)
{
	struct words words;
	struct sn_err err;

	const struct command *text = command_of_text(line);

	if (text) {
		words_split_text(&words, line, text->options);
	} else if (words_split(&words, line, &err) < 0) {
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
	rl_getc_function = next_key;
	using_history();
	while (!shell->quit) {
		sn_auto_free char *line = read_line();

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
